"""`dae probe`: train linear probes on latent codes."""

from tqdm import tqdm

from dae.cli.common import Commands, Options, add_command, check_run_names, find_trained_run
from dae.cli.tables import add_format_options, print_metrics
from dae.data import load_dataset
from dae.errors import SpecError
from dae.representation import cache, summary
from dae.representation.linear_probe import ProbeTask
from dae.utils.files import fingerprint
from dae.utils.text import counted


def add(commands: Commands) -> None:
    """Register the command."""
    parser = add_command(commands, "probe", _probe, "Train a linear probe on the latent codes of one or more runs.")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run whose encoder is probed")
    parser.add_argument("--dataset", metavar="NAME", help="data set with classes (default: the first run's)")
    parser.add_argument(
        "--labels",
        metavar="N,N,all",
        help="numbers of training labels (default: 10,100,1000,all, up to the size of the data set)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=cache.NUM_SEEDS,
        metavar="N",
        help=f"seeds to average over (default: {cache.NUM_SEEDS})",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="use the first N test images only")
    add_format_options(parser)


def _probe(options: Options) -> None:
    runs = [find_trained_run(name, options) for name in dict.fromkeys(options.runs)]
    check_run_names(runs)
    dataset = options.dataset or runs[0].dataset
    label_counts = cache.LABEL_COUNTS if options.labels is None else cache.parse_label_counts(options.labels)
    train = load_dataset(dataset, "train", root=options.data)
    task = ProbeTask(train, load_dataset(dataset, "test", root=options.data, limit=options.limit))
    if options.labels:
        for count in filter(None, label_counts):
            task.check_label_count(count)
    probes = cache.ProbeCache(task, options.seeds)
    methods = []
    for run in runs:
        checkpoint = run.load()
        key = fingerprint(run.model_path.read_bytes())
        methods += cache.probe_methods(run.name, checkpoint, task, key)
    jobs = list(cache.probe_jobs(cache.deduplicate(methods), probes.feasible_counts(label_counts)))
    if not jobs:
        raise SpecError(f"No number of labels fits {dataset}: {options.labels or 'default'}. Choose other --labels.")
    for method, count in tqdm(jobs, dynamic_ncols=True):
        probes.compute(method, count)
    rows = [row for job in jobs if (row := probes.summary_row(*job))]
    print_metrics(rows, options.form)
    if not options.form:
        print("", *summary.summary_sentences(rows, {run.name: run.name for run in runs}), sep="\n")
        print(
            f"\nAccuracy on {summary.describe_task(task)}, mean over {counted(options.seeds, 'seed')} "
            "(from 0), which sample the labels. With all labels there is nothing to sample."
        )
