"""Step 5: U. The fold of a user's log into readable facets with their evidence."""

from huaxiang.profiles.item_facets import ItemFacets
from huaxiang.profiles.portrait import Portraits
from huaxiang.profiles.state import FoldState

__all__ = ["FoldState", "ItemFacets", "Portraits"]
