"""Step 3: an encoder or a decoder learns a shop's text by itself: masked pieces, or what comes next."""

from huaxiang.encoder.pretraining.loop import pretrain
from huaxiang.encoder.pretraining.report import PretrainReport
from huaxiang.encoder.pretraining.settings import Pretraining

__all__ = ["PretrainReport", "Pretraining", "pretrain"]
