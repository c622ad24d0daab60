"""huaxiang (画像): living user profiles from a shop's log, and the recommendation that stands on them."""

__version__ = "0.1.0"
