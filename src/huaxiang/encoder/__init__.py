"""M: one encoder for items, queries, profiles and posts, so that they lie in one space.

`base` is the contract, `serving` opens an exported encoder without torch; `training` makes one.
"""

from huaxiang.encoder.base import Encoder
from huaxiang.encoder.serving import OnnxEncoder

__all__ = ["Encoder", "OnnxEncoder"]
