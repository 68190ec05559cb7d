"""Helpers for all packages: devices, files, random numbers, registry lookup, text and threads."""
