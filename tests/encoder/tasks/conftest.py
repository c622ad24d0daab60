"""The titles of the tagging tests."""

from tests.encoder.tagging.conftest import checkpoint, shop

__all__ = ["checkpoint", "shop"]
