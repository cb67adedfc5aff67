"""Rushlight's speed against its budget: `python -m benchmarks`, or `make bench`."""
