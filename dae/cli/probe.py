"""dae probe."""

import hashlib

from tqdm import tqdm

from dae import data, findings, probed
from dae.cli.command import Commands, Options, command
from dae.cli.tables import add_forms, print_measured
from dae.errors import SpecError
from dae.probe import Task
from dae.runs import find_run


def add(commands: Commands) -> None:
    parser = command(commands, "probe", _probe, "Measure what the codes of runs know of the classes of pictures.")
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--dataset", metavar="NAME", help="else the first run's")
    parser.add_argument("--labels", metavar="N,N,all", help="how many labels; else 10,100,1000,all as far as they go")
    parser.add_argument("--seeds", type=int, default=probed.SEEDS, metavar="N", help="over how many seeds to average")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N test images only")
    add_forms(parser)


def _probe(options: Options) -> None:
    runs = {run.name: run for run in (find_run(name, options.checkpoints) for name in options.runs)}
    dataset = options.dataset or next(iter(runs.values())).dataset
    asked = probed.LABELS if options.labels is None else probed.read_labels(options.labels)
    train = data.load_dataset(dataset, "train", root=options.data)
    task = Task(train, data.load_dataset(dataset, "test", root=options.data, limit=options.limit))
    if options.labels:
        for count in filter(None, asked):
            task.check(count)
    probes = probed.Probes(task, options.seeds)
    learners = []
    for run in runs.values():
        checkpoint = run.load()
        key = hashlib.sha256(run.model_path.read_bytes()).hexdigest()
        learners += probed.learners(run.name, checkpoint, task, key)
    jobs = list(probed.jobs(probed.once(learners), probes.counts(asked)))
    for learner, count in tqdm(jobs, dynamic_ncols=True):
        probes.measure(learner, count)
    found = [row for job in jobs if (row := probes.row(*job))]
    if not found:
        raise SpecError("Nothing is left to measure; choose other numbers of labels.")
    print_measured(found, options.form)
    if not options.form:
        labels = {name: name for name in runs}
        for sentence in ("", *findings.sentences(found, labels)):
            print(sentence)
        print(
            f"\nShares of {findings.in_data(task)} that are recognised, means over {len(probes.seeds)} seeds (0 to "
            f"{len(probes.seeds) - 1}), which choose the labels; with all labels there is nothing to choose."
        )
