"""Benchmarks of training, inference and the dashboard.

`python -m tests.benchmarks` runs the short ones, `python -m tests.benchmarks.NAME --help` lists the options of one.
Benchmarks that compare alternatives print ratios measured in one run, so that other load affects all sides.
"""
