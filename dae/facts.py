"""facts.json: what is known of a run once it has begun."""

import json
from dataclasses import dataclass
from pathlib import Path

from dae.files import write_json
from dae.training import Scores


@dataclass(frozen=True)
class Facts:
    """What is known of a run once it has begun.

    Attributes:
        device: what it trains on, in words.
        references: validation scores of what needs no training, by name.
        processes: how many train it together.
        note: what a reader should know of its images, such as how many files were unreadable.
    """

    device: str
    references: dict[str, Scores]
    processes: int = 1
    note: str = ""


def write(path: Path, facts: Facts) -> None:
    """Write the file, whole or not at all; raises OSError."""
    references = {name: vars(scores) for name, scores in facts.references.items()}
    write_json(
        path, {"device": facts.device, "references": references, "processes": facts.processes, "note": facts.note}
    )


def read(path: Path) -> Facts | None:
    """The facts; None where there is no such file or it is damaged."""
    try:
        values = json.loads(path.read_text())
        references = {str(name): Scores(**scores) for name, scores in values["references"].items()}
        numbers = [number for scores in references.values() for number in vars(scores).values()]
        processes = int(values.get("processes", 1))  # older runs do not say
        note = str(values.get("note", ""))
        sound = processes > 0 and all(type(number) is float for number in numbers)
        return Facts(str(values["device"]), references, processes, note) if sound else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
