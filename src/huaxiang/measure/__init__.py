"""Measures of recommendation: metrics, intervals and splits in plain numpy, usable alone."""
