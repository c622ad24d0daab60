"""Checkpoints that come as packages, without a hub: what is installed, where it lies, which to begin with."""
