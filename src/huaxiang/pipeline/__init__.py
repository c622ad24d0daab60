"""One release, open for answers: the way of a request from a person's state to a page."""

from huaxiang.pipeline.parts import PARTS, save_pipeline
from huaxiang.pipeline.request import Page, Pipeline, Shown

__all__ = ["PARTS", "Page", "Pipeline", "Shown", "save_pipeline"]
