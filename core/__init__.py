"""Digit Lab's engine: datasets, architectures, training, runs and analysis. No screen here: a notebook can use it."""
