"""Latency of the HTML file in Chromium: python -m tests.benchmarks.html_demo [--images 100]

Measures the scripts that `dae export RUN demo.html` puts into the file, on random images of each model's own size:
milliseconds per image in one thread of Chromium, the median and the fastest of many calls, after a few that let the
browser compile the code. Other load on the machine affects the fastest call least.
"""

import argparse

import torch

from dae.cli.tables import print_table
from dae.html_demo.graph import build_program
from dae.html_demo.packing import pack_program
from dae.html_demo.page import ASSETS
from dae.runs import find_run
from tests.benchmarks.common import ROOT, describe_machine, run_benchmark
from tests.benchmarks.server import browser

RUNS = ("mnist-linear", "mnist-conv", "mnist-pool", "digits-unet", "mnist-unet", "mnist-blind", "cifar10-unet")
_WARM_UP = 10
_MEASURE = """([program, images, warmUp]) => {
  SCRIPTS
  const run = compileProgram(program, decodeConstants(program))
  const milliseconds = []
  for (let i = 0; i < images + warmUp; i++) {
    const noisy = Float32Array.from({ length: elements(program.shape) }, Math.random)
    const start = performance.now()
    run(noisy)
    if (i >= warmUp) milliseconds.push(performance.now() - start)
  }
  return milliseconds
}"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100, help="images per model")
    parser.add_argument("--runs", nargs="+", default=list(RUNS), metavar="RUN", help="shipped models to measure")
    options = parser.parse_args()
    scripts = "\n".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in ("convolution", "inference"))
    programs = {}
    for name in options.runs:
        checkpoint = find_run(name, ROOT / "checkpoints").load()
        programs[name] = pack_program(build_program(checkpoint.model, name, checkpoint.shape), half=False)
    print(describe_machine())
    rows = []
    with browser() as opened:
        print(f"Chromium {opened.version}")
        for name, program in programs.items():
            page = opened.new_page()
            values = page.evaluate(_MEASURE.replace("SCRIPTS", scripts), [program, options.images, _WARM_UP])
            page.close()
            milliseconds = torch.tensor(values)
            median, fastest = milliseconds.median(), milliseconds.min()
            sides = " x ".join(map(str, program["shape"][1:]))
            rows.append({"run": name, "images": sides, "median": f"{median:.2f} ms", "fastest": f"{fastest:.2f} ms"})
    print_table(rows)


if __name__ == "__main__":
    run_benchmark(main)
