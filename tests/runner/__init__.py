"""The parts of tests/run.py: each runs one kind of test and counts it."""
