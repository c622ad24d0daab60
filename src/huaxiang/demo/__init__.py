"""A simulated shop with a hidden truth: what `huaxiang demo` shows and scores itself on."""

from huaxiang.demo.score import SCORE_SEED, SETTINGS_SEED, ScoreReport, score
from huaxiang.demo.simulation import DemoShop, simulate
from huaxiang.demo.truth import Truth

__all__ = ["SCORE_SEED", "SETTINGS_SEED", "DemoShop", "ScoreReport", "Truth", "score", "simulate"]
