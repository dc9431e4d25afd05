"""The report card: what was tried to break Digit Lab, how often, and how often it broke. ``python -m bench.reliability``."""
