"""A simulated shop with a hidden truth: what `huaxiang demo` shows and scores itself on."""

from huaxiang.demo.simulation import DemoShop, simulate
from huaxiang.demo.truth import Truth

__all__ = ["DemoShop", "Truth", "simulate"]
