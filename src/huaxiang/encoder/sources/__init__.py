"""Checkpoints that come as packages, without a hub: what is installed, where it lies, which to begin with."""

from huaxiang.encoder.sources.choice import AUTO, Choice, choose, settle
from huaxiang.encoder.sources.packages import Source, find, installed, is_known, locate, names

__all__ = ["AUTO", "Choice", "Source", "choose", "find", "installed", "is_known", "locate", "names", "settle"]
