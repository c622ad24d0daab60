"""Making an encoder small, and out of the house: 8 bits, fewer layers, one vector for each piece; each export is
checked against its source.

`ship` is the way in; nothing here is needed to serve what it writes.
"""

from huaxiang.encoder.shrinking.ship import FORMATS, ExportReport, Wish, export_encoder

__all__ = ["FORMATS", "ExportReport", "Wish", "export_encoder"]
