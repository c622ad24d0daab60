"""Settings: one TOML file, environment `HUAXIANG_SECTION__KEY`, dotted overrides; unknown keys are errors.

Read once, at the edge; each part is handed its own section or plain arguments, never the whole tree.
"""

import json
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, Field, SecretStr, ValidationError

from huaxiang.errors import ConfigError

_PREFIX: Final = "HUAXIANG_"


class Section(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """A part of the configuration."""


class StoreConfig(Section):
    """Where the log is kept."""

    url: str = Field(default="", description="store URL; empty: SQLite at <data dir>/shop.db")
    synchronous: Literal["normal", "full"] = Field(
        default="normal", description="normal survives kill -9 of the process; full survives power loss too, slower"
    )


class ConsentConfig(Section):
    """What holds for people who said nothing."""

    default: Literal["granted", "denied"] = "granted"
    kept_without_analytics: list[str] = Field(
        default=["purchase", "refund", "support_message", "set_user"],
        description="kinds of events that are kept of people who denied analytics, because a contract or a law asks "
        "for it; consents, links and edits always are",
    )


class PrivacyConfig(Section):
    """How people are kept."""

    pseudonyms: bool = Field(
        default=False, description="keep people under a keyed HMAC of their id; turn on before the first event"
    )
    mask_text: bool = Field(
        default=False, description="hide names, phones, cards, addresses in texts before they are kept; extra privacy"
    )
    retention_days: int = Field(default=0, ge=0, description="age at which `privacy retain` removes events; 0: none")


class ServerConfig(Section):
    """The HTTP service."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    keys: dict[str, SecretStr] = Field(default_factory=dict, description="API key by tenant; empty: no key asked for")
    max_body_mb: int = Field(default=64, ge=1, le=1024)


class ProfilesConfig(Section):
    """How fast a profile forgets, chosen on a validation seed of the demo shop (experiments/LOG.md), and how much of
    people is kept in memory."""

    interest_half_life_days: float = Field(default=60.0, gt=0)
    need_half_life_days: float = Field(default=4.0, gt=0)
    mood_half_life_days: float = Field(default=10.0, gt=0)
    resident_mb: float = Field(
        default=256.0,
        ge=1,
        description="memory for the essence of people, from which audiences are counted, about 1 KB each; what was "
        "used least recently goes to the store",
    )
    states_mb: float = Field(default=256.0, ge=1, description="memory for the folded states of the newest visitors")


class TrainingConfig(Section):
    """How a release is made."""

    budget_seconds: float = Field(default=300.0, gt=0, description="wall time for everything")
    encoder: str = Field(
        default="",
        description="auto (of what is installed, by held-out shoppers), e5-small, minilm, or the path or name of a "
        "Hugging Face checkpoint; empty: the shop's own text",
    )
    seed: int = 0


class RetrievalConfig(Section):
    """The first stage."""

    n_candidates: int = Field(default=300, ge=10, le=10_000)


class BoostConfig(Section):
    """Lifts what a filter matches."""

    where: dict[str, Any] = Field(description="a filter, as of POST /v1/recommend")
    weight: float = Field(description="standard deviations of the best items' scores; below 0 lowers")


class PinConfig(Section):
    """An item at a place of every page."""

    item_id: str
    place: int = Field(ge=1, le=1000)


class RankingConfig(Section):
    """What the shop asks of every page."""

    diversity: float = Field(default=0.0, ge=0.0, le=1.0, description="0: by score alone; 1: all different")
    boosts: list[BoostConfig] = Field(default_factory=list)
    pinned: list[PinConfig] = Field(default_factory=list)
    calm_below: float = Field(
        default=-0.15,
        ge=-1.0,
        le=1.0,
        description="polarity of a mood below which nothing is promoted and what is dearer than usual is held back; "
        "-1: never",
    )


class SearchConfig(Section):
    """What search learns from the shop's own queries."""

    floor: int = Field(
        default=5, ge=1, description="people who must have typed a query before it is suggested or learned from"
    )
    synonyms: Path | None = Field(default=None, description="the shop's own: a file with a group of names on each line")


class AudiencesConfig(Section):
    """What is told of groups of people."""

    floor: int = Field(
        default=50, ge=1, description="fewer people than this are neither counted nor exported; 1: any group is"
    )


class Settings(Section):
    """The whole tree."""

    data_dir: Path = Path("huaxiang-data")
    store: StoreConfig = StoreConfig()
    consent: ConsentConfig = ConsentConfig()
    server: ServerConfig = ServerConfig()
    profiles: ProfilesConfig = ProfilesConfig()
    training: TrainingConfig = TrainingConfig()
    retrieval: RetrievalConfig = RetrievalConfig()
    ranking: RankingConfig = RankingConfig()
    search: SearchConfig = SearchConfig()
    audiences: AudiencesConfig = AudiencesConfig()
    privacy: PrivacyConfig = PrivacyConfig()

    @property
    def store_url(self) -> str:
        """The store's URL, the data directory's own database where none is set."""
        return self.store.url or f"sqlite:///{self.data_dir / 'shop.db'}"


def load_settings(file: Path | None = None, overrides: Sequence[str] = (), **given: Any) -> Settings:
    """Read the settings: defaults, then the file, then the environment, then `section.key=value` overrides.

    Args:
        file: a TOML file; None: `huaxiang.toml` of the working directory where there is one.
        overrides: dotted assignments; values are read as JSON where they are JSON, else as text.
        given: top-level values from the command line; None means not given.

    Raises:
        ConfigError: an unknown key, a wrong type or a value out of range, each named.
    """
    path = file or Path("huaxiang.toml")
    tree: dict[str, Any] = {}
    if file is not None or path.exists():
        try:
            tree = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"cannot read the settings in {path}: {error}") from error
    for name, value in os.environ.items():
        if name == "HUAXIANG_DATA_DIR":
            tree["data_dir"] = value
        elif name.startswith(_PREFIX) and "__" in name:
            _assign(tree, name.removeprefix(_PREFIX).lower().split("__"), value)
    for override in overrides:
        dotted, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"override {override!r} is not of the form section.key=value")
        _assign(tree, dotted.split("."), value)
    try:
        return Settings(**(tree | {key: value for key, value in given.items() if value is not None}))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {_rule(e['type'], e['loc'], e['msg'])}" for e in error.errors()
        )
        raise ConfigError(f"settings refused: {problems}") from error


def _rule(kind: str, path: Sequence[str | int], message: str) -> str:
    """What a setting broke; for an unknown one, which there are beside it."""
    if kind != "extra_forbidden":
        return message
    level: type[BaseModel] = Settings
    for part in path[:-1]:
        if isinstance(part, int):  # an entry of a list, whose kind was read already
            continue
        below = level.model_fields[part].annotation
        below = get_args(below)[0] if get_args(below) else below
        assert isinstance(below, type)
        level = below
    return f"unknown; known here: {', '.join(sorted(level.model_fields))}"


def _assign(tree: dict[str, Any], path: Sequence[str], text: str) -> None:
    """Set one value by its path; text that is JSON is read as JSON."""
    *sections, last = path
    for part in sections:
        below = tree.setdefault(part, {})
        if not isinstance(below, dict):
            raise ConfigError(f"setting {'.'.join(path)}: {part} is a value, not a section")
        tree = below
    try:
        tree[last] = json.loads(text)
    except ValueError:
        tree[last] = text


def settings_schema() -> dict[str, Any]:
    """The published JSON Schema of the settings."""
    return Settings.model_json_schema()
