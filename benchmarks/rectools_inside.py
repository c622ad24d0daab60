"""Runs in RecTools' own environment, for `benchmarks.rectools_peer`: learn from a table, write ten items for each user.

python -P rectools_inside.py WORK kind seconds epochs

WORK holds `known.npz` (users_E, items_E, in each user's order, and the users to ask). Each asked user's last meeting
validates: after every epoch its loss is measured, the best epoch's weights answer, with that meeting in the input. It
ends after `epochs`, ten epochs without a better loss, or `seconds`. This file imports nothing of huaxiang.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint, Timer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from rectools.models.nn.transformers.ligr import LiGRLayers

PATIENCE = 10
SETTINGS: dict[str, dict[str, Any]] = {
    "SASRec": {"loss": "softmax"},
    "eSASRec": {"loss": "sampled_softmax", "n_negatives": 256, "transformer_layers_type": LiGRLayers},
}
"""As RecTools calls them: full softmax, and sampled softmax over LiGR layers."""


def last_of_each(interactions: pd.DataFrame) -> np.ndarray:
    """A mask of every user's last meeting."""
    order = interactions.groupby(Columns.User)[Columns.Datetime].rank(method="first", ascending=False)
    return np.asarray(order == 1)


def trained(kind: str, table: pd.DataFrame, work: Path, seconds: float, epochs: int) -> tuple[SASRecModel, Any]:
    """The model with the weights of its best epoch, and its trainer."""
    keep = ModelCheckpoint(dirpath=work / kind, monitor="val_loss", mode="min", save_top_k=1)
    stop = EarlyStopping("val_loss", mode="min", patience=PATIENCE)

    def trainer() -> Trainer:
        return Trainer(
            accelerator="cpu",
            max_epochs=epochs,
            min_epochs=1,
            deterministic=True,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[keep, stop, Timer(duration={"seconds": int(seconds)})],
        )

    model = SASRecModel(
        n_factors=64,
        n_blocks=2,
        n_heads=2,
        dropout_rate=0.3,
        session_max_len=50,
        batch_size=128,
        epochs=epochs,
        get_val_mask_func=last_of_each,
        get_trainer_func=trainer,
        deterministic=True,
        **SETTINGS[kind],
    )
    model.fit(Dataset.construct(table))
    best = model.fit_trainer.checkpoint_callback  # a copy: RecTools fits with a copy of the trainer that it was given
    if best.best_model_path:  # else time was up before the first epoch was
        model.load_weights_from_checkpoint(best.best_model_path)
    return model, best


def main() -> None:
    """Read, learn, answer, write `KIND.json`."""
    work, kind, seconds, epochs = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    known = np.load(work / "known.npz")
    users_E, items_E, asked_N = known["users_E"], known["items_E"], known["asked_N"]
    moments = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(len(users_E)), unit="s")
    columns = {Columns.User: users_E, Columns.Item: items_E, Columns.Weight: 1.0, Columns.Datetime: moments}
    table = pd.DataFrame(columns)
    began = time.monotonic()
    model, best = trained(kind, table, work, seconds, epochs)
    took = time.monotonic() - began
    found = model.recommend(asked_N, Dataset.construct(table), k=10, filter_viewed=True)
    lists = found.sort_values(Columns.Rank).groupby(Columns.User)[Columns.Item].agg(list)
    said = {
        "lists": [[int(item) for item in lists.get(user, [])] for user in asked_N.tolist()],
        "epochs": int(model.fit_trainer.current_epoch),
        "best": Path(best.best_model_path).name,
        "seconds": took,
    }
    (work / f"{kind}.json").write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main()
