"""What profiles read of the items, as one digest: what was computed through other items is recognised by it."""

import hashlib
from typing import Final

from huaxiang.profiles.item_facets import ItemFacets
from huaxiang.types import ItemId

_BITS: Final = 1 << 128


class ItemMarks:
    """A digest of all items' facets, languages, names, brands and categories. A change of price within its band, of
    stock or of a picture does not change it. Not safe to use from many threads.

    Memory: about 150 bytes for each item, once it is asked for.
    """

    def __init__(self, item_facets: ItemFacets) -> None:
        self._item_facets = item_facets
        self._marks: dict[ItemId, int] = {}
        self._sum = 0
        self._read: tuple[int, int] | None = None
        self._seq = 0
        self._digest = ""
        self._alike: tuple[object, str] = (None, "")

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes whenever the digest can have changed; costs nothing."""
        return (self._item_facets.catalogue.changed, self._item_facets.n_surveys)

    def digest(self) -> str:
        """Of the items as they are now; only changed items are read."""
        if self.stamp != self._read:
            self._take()
        return self._digest

    def _take(self) -> None:
        facets, catalogue = self._item_facets, self._item_facets.catalogue
        before, seq = self._read, catalogue.seq
        facets.of("")  # a survey that is due is made now
        stamp = self.stamp
        if before is None or before[1] != stamp[1]:
            self._marks, self._sum = {}, 0
            changed = [item.item_id for item in catalogue]
        else:
            changed = catalogue.changed_since(self._seq)
        for item_id in changed:
            self._sum = (self._sum - self._marks.pop(item_id, 0)) % _BITS
            item = catalogue.get(item_id)
            if item is not None:
                said = repr(
                    (item_id, facets.of(item_id), facets.language(item_id), item.name, item.brand, item.category)
                )
                mark = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()
                self._marks[item_id] = int.from_bytes(mark)
                self._sum = (self._sum + self._marks[item_id]) % _BITS
        whole = f"{self._sum:032x} {sorted(facets.languages)} {self._brands_alike()}"
        self._digest = hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()
        self._read, self._seq = stamp, seq

    def _brands_alike(self) -> str:
        """Of how alike brands are by chance, which is read anew at a survey."""
        alike = self._item_facets.brands_alike
        if self._alike[0] is not alike:
            said = repr(sorted(alike.items())).encode("utf-8", "surrogatepass")
            self._alike = (alike, hashlib.blake2b(said, digest_size=16).hexdigest())
        return self._alike[1]
