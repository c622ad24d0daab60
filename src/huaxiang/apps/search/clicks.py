"""How likely a place of a list is looked at, and how much those who look at an item like it.

Position-based model (Richardson et al. 2007): a click is a look times a liking, P(click) = theta_k a_qi at place k,
theta of the first place 1. Liking differs between items and is not of interest while theta is learned, so it is
conditioned away: given how often a pair of query and item was clicked at all, at which places depends on theta
alone. This is the Poisson model with a fixed effect for each pair (Hausman, Hall & Griliches 1984): it needs the mean
to be right and nothing else, and has no bias from pairs that were shown a few times only. Pairs that stood at one place
say nothing.

Legend: C cells (a pair at a place), P pairs, K places, counted from 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from huaxiang.apps.search.trail_rows import PLACES
from huaxiang.errors import DataError

ETA: Final = 1.0
"""What is assumed where too little was clicked: theta_k = 1 / (1 + k)^ETA."""
FEWEST_CLICKS: Final = 30.0
"""Clicks on pairs that stood at several places, below which the assumption stands."""
PRIOR_LOOKS: Final = 10.0
"""Looks that an item's likeness to its query's other items weighs as (experiments/LOG.md)."""
LEAST: Final = 0.01
"""No place is taken to be looked at more rarely."""
_ETA_SPREAD: Final = 0.5
_PLACE_SPREAD: Final = 0.3
"""Standard deviations of what shops are expected to differ by: in ETA, and at each place around that curve (in log)."""
_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Propensities:
    """How likely each place is looked at, of the first place's likelihood.

    Attributes:
        theta_K: shape (K,), the first 1.
        clicks: that taught it; 0 where the assumption stands.
    """

    theta_K: NDArray[np.float64]
    clicks: float = 0.0

    @property
    def is_learned(self) -> bool:
        """Whether clicks taught it."""
        return self.clicks > 0.0

    def at(self, places: NDArray[np.integer]) -> NDArray[np.float64]:
        """Of some places; beyond the last as at the last."""
        found: NDArray[np.float64] = self.theta_K[np.clip(places, 0, len(self.theta_K) - 1)]
        return found


def assumed(n_places: int = PLACES, eta: float = ETA) -> Propensities:
    """Of a shop of which nothing is known: 1 / (1 + k)^eta."""
    return Propensities(np.power(1.0 + np.arange(n_places), -eta, dtype=np.float64))


def learn_propensities(cells: pl.DataFrame, *, n_places: int = PLACES) -> Propensities:
    """From what was shown and clicked; with few clicks near what is assumed, below 30 the assumption itself.

    Where items stand must differ for other reasons than liking, as with a ranker that changes. One that knows the
    person puts what they like first: then places seem to matter more than they do.

    Args:
        cells: columns `query`, `item`, `place`, `shown` and `clicked`, which are added up; places below 0 are left out.
    """
    pairs = ["query", "item"]
    met = cells.filter(pl.col("place") >= 0).with_columns(pl.col("place").clip(0, n_places - 1))
    met = met.group_by([*pairs, "place"], maintain_order=True).agg(pl.col("shown", "clicked").sum())
    met = met.filter(pl.col("shown") > 0.0)
    of_pair = met.group_by(pairs, maintain_order=True).agg(pl.len().alias("places"), pl.col("clicked").sum())
    teaching = of_pair.filter((pl.col("places") > 1) & (pl.col("clicked") > 0.0)).with_row_index("pair")
    rows = met.join(teaching.select(*pairs, "pair"), on=pairs, how="inner", maintain_order="left")
    clicks = float(rows["clicked"].sum())
    if clicks < FEWEST_CLICKS:
        return assumed(n_places)
    columns = [rows[name].to_numpy() for name in ("pair", "place", "shown", "clicked")]
    log_K = _most_likely(columns[0].astype(np.int64), columns[1].astype(np.int64), columns[2], columns[3], n_places)
    return Propensities(np.clip(np.exp(log_K), LEAST, None), clicks)


def _most_likely(
    pair_C: NDArray[np.int64],
    place_C: NDArray[np.int64],
    shown_C: NDArray[np.float64],
    clicked_C: NDArray[np.float64],
    n_places: int,
) -> NDArray[np.float64]:
    """Log of theta: the mode, by Newton's method; the posterior is concave."""
    mean_K, precision_KK = _prior(n_places)
    clicks_P = np.bincount(pair_C, clicked_C)

    def look(log_K: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The posterior, up to a constant, and each cell's share of its pair's clicks."""
        weight_C = shown_C * np.exp(log_K[place_C])
        share_C = weight_C / np.bincount(pair_C, weight_C)[pair_C]
        off_K = log_K - mean_K
        return float(clicked_C @ np.log(share_C) - 0.5 * off_K @ precision_KK @ off_K), share_C

    log_K = mean_K.copy()
    value, share_C = look(log_K)
    for _ in range(_STEPS):
        expected_K = np.bincount(place_C, clicks_P[pair_C] * share_C, minlength=n_places)
        up_K = np.bincount(place_C, clicked_C, minlength=n_places) - expected_K - precision_KK @ (log_K - mean_K)
        spread = csr_array((np.sqrt(clicks_P[pair_C]) * share_C, (pair_C, place_C)), shape=(len(clicks_P), n_places))
        curvature_KK = np.diag(expected_K) - (spread.T @ spread).toarray() + precision_KK
        step_K = np.zeros(n_places)
        step_K[1:] = np.linalg.solve(curvature_KK[1:, 1:], up_K[1:])
        size = 1.0
        while size > 1e-6:
            ahead, share_C = look(log_K + size * step_K)
            if ahead >= value:
                break
            size /= 2.0
        log_K, gained, value = log_K + size * step_K, ahead - value, ahead
        if gained < 1e-9 * max(1.0, abs(value)):
            break
    return log_K


def _prior(n_places: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and precision of log theta: a curve of unknown steepness, and each place a little off it."""
    depth_K = np.log1p(np.arange(n_places))
    covariance_KK = _ETA_SPREAD**2 * np.outer(depth_K, depth_K) + _PLACE_SPREAD**2 * np.eye(n_places)
    precision_KK = np.zeros((n_places, n_places))
    precision_KK[1:, 1:] = np.linalg.inv(covariance_KK[1:, 1:])
    return -ETA * depth_K, precision_KK


def appeals(
    cells: pl.DataFrame, asked: pl.DataFrame, propensities: Propensities, *, prior_looks: float = PRIOR_LOOKS
) -> pl.DataFrame:
    """How much people who asked a query and looked at an item liked it: `query`, `item`, `appeal` in [0, 1], `clicked`.

    What was gained over how often the item was looked at, drawn towards the same of all that the query showed. Of a
    query whose lists are known only what they showed counts; of another one every search is taken as a look.

    Args:
        cells: `query`, `item`, `place`, `shown`, `clicked` and `gain` (a purchase is 1), all counted alike.
        asked: `query` and `searches`, how often it was asked.
    """
    if prior_looks < 0.0:
        raise DataError(f"prior_looks is {prior_looks}; it must be at least 0")
    looked = propensities.at(cells["place"].to_numpy().astype(np.int64)) * cells["shown"].to_numpy()
    rows = cells.with_columns(pl.Series("looks", looked), (pl.col("place") >= 0).alias("is_listed"))
    has_lists = rows.group_by("query").agg(pl.col("is_listed").any().alias("has_lists"))
    rows = rows.join(has_lists, on="query").filter(pl.col("is_listed") == pl.col("has_lists")).join(asked, on="query")
    of_item = rows.group_by("query", "item").agg(
        pl.col("looks", "clicked", "gain").sum(), pl.col("has_lists").first(), pl.col("searches").first()
    )
    looks = pl.when("has_lists").then("looks").otherwise("searches")
    of_item = of_item.with_columns(looks.alias("looks"))
    of_query = of_item.group_by("query").agg((pl.col("gain").sum() / pl.col("looks").sum()).alias("usual"))
    appeal = (pl.col("gain") + prior_looks * pl.col("usual")) / (pl.col("looks") + prior_looks)
    return (
        of_item.join(of_query, on="query")
        .select("query", "item", appeal.clip(0.0, 1.0).alias("appeal"), "clicked")
        .sort("query", "appeal", "item", descending=[False, True, False])
    )
