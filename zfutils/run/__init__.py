"""Runs: chapters, notebooks, the runner, benchmarks and the command line."""
