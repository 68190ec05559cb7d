"""Measurements that people can repeat; each prints ratios taken in one run. Nothing in `dae` imports them."""
