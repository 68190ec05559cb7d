"""Latent codes of a model and what they contain: maps, linear probes and fine-tuning."""

from dae.representation.cache import (
    LABEL_COUNTS,
    NUM_SEEDS,
    Method,
    ProbeCache,
    ProbeMethod,
    deduplicate,
    parse_label_counts,
    probe_jobs,
    probe_methods,
)
from dae.representation.latent import (
    NUM_NOISE_LEVELS,
    CodeMap,
    build_code_map,
    decode,
    describe_code_size,
    describe_drift,
    encode,
    has_decoder,
    lerp,
    validate_code_size,
)
from dae.representation.linear_probe import ProbeTask
from dae.representation.map_cache import Encoder, MapCache, MapSettings
from dae.representation.summary import describe_task, ranking_sentence, summary_sentences

__all__ = [
    "LABEL_COUNTS",
    "NUM_NOISE_LEVELS",
    "NUM_SEEDS",
    "CodeMap",
    "Encoder",
    "MapCache",
    "MapSettings",
    "Method",
    "ProbeCache",
    "ProbeMethod",
    "ProbeTask",
    "build_code_map",
    "decode",
    "deduplicate",
    "describe_code_size",
    "describe_drift",
    "describe_task",
    "encode",
    "has_decoder",
    "lerp",
    "parse_label_counts",
    "probe_jobs",
    "probe_methods",
    "ranking_sentence",
    "summary_sentences",
    "validate_code_size",
]
