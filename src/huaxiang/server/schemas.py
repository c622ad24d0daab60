"""What comes in and goes out over HTTP, as CONVENTIONS name it; nothing is decided here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from huaxiang.profiles.audiences import Size
from huaxiang.types import Facet, Profile, Ranked, Reason


class Strict(BaseModel):
    """Unknown fields are refused, so that a misspelt option is never ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def answered(said: BaseModel) -> Response:
    """What was said as an answer, serialised here and now: a route's own model would be checked a second time, in
    another walk through the thread pool."""
    return Response(said.model_dump_json(), media_type="application/json")


class RejectedOut(BaseModel):
    """One payload that was not kept."""

    index: int
    reason: str


class EventsOut(BaseModel):
    """What became of a batch of events; the accepted ones are durable."""

    accepted: int
    duplicates: int
    rejected: list[RejectedOut]
    took_ms: float


class RecommendIn(Strict):
    """Whom to recommend to, and how."""

    user_id: str | None = Field(default=None, min_length=1, max_length=512)
    session: list[dict[str, JsonValue]] | None = Field(default=None, max_length=1000)
    k: int = Field(default=10, ge=1, le=1000)
    filter: dict[str, JsonValue] | None = None
    explain: bool = False
    diversity: float | None = Field(default=None, ge=0.0, le=1.0, description="0: by score alone; 1: all different")
    candidates: list[str] | None = Field(default=None, max_length=10_000)
    as_of: datetime | None = None


class ReasonOut(BaseModel):
    """Why an item was shown."""

    kind: str
    text: str
    facet: str | None
    evidence: list[str]
    effect: float

    @classmethod
    def of(cls, reason: Reason) -> "ReasonOut":
        """From the core's noun."""
        return cls(
            kind=reason.kind, text=reason.text, facet=reason.facet, evidence=list(reason.evidence), effect=reason.effect
        )


class RankedItemOut(BaseModel):
    """One recommended item."""

    item_id: str
    score: float
    rank: int
    reasons: list[ReasonOut]


class RecommendOut(BaseModel):
    """An answer; `basis` says what it rests on: the person's profile, or the shop's popularity; `arranged` what moved
    items beside their scores."""

    request_id: str
    release: str
    basis: str
    arranged: list[str]
    items: list[RankedItemOut]
    took_ms: float


def ranked_items(ranked: Ranked) -> list[RankedItemOut]:
    """The items of a ranking, ranks from 1."""
    reasons = ranked.reasons or ((),) * len(ranked.item_ids)
    return [
        RankedItemOut(item_id=item, score=float(score), rank=rank, reasons=[ReasonOut.of(reason) for reason in why])
        for rank, (item, score, why) in enumerate(zip(ranked.item_ids, ranked.scores, reasons, strict=True), 1)
    ]


class FacetOut(BaseModel):
    """One statement of a profile with its evidence."""

    facet: str
    value: str
    score: float
    confidence: float
    half_life_days: float
    evidence: list[str]
    last_seen: datetime
    related: list[str]

    @classmethod
    def of(cls, facet: Facet) -> "FacetOut":
        """From the core's noun."""
        return cls(
            facet=facet.facet,
            value=facet.value,
            score=round(facet.score, 6),
            confidence=round(facet.confidence, 6),
            half_life_days=facet.half_life_days,
            evidence=list(facet.evidence),
            last_seen=facet.last_seen,
            related=list(facet.related),
        )


class ProfileOut(BaseModel):
    """A profile as of a moment."""

    user_id: str
    as_of: datetime
    interests: list[FacetOut]
    needs: list[FacetOut]
    behaviour: Mapping[str, Any]
    mood: Mapping[str, Any]
    summary: str
    consents: Mapping[str, str]
    version: str
    edit_ids: list[str] | None = None

    @classmethod
    def of(cls, profile: Profile, edit_ids: list[str] | None = None) -> "ProfileOut":
        """From the core's noun."""
        return cls(
            user_id=profile.user_id,
            as_of=profile.as_of,
            interests=[FacetOut.of(facet) for facet in profile.interests],
            needs=[FacetOut.of(facet) for facet in profile.needs],
            behaviour=profile.behaviour,
            mood=profile.mood,
            summary=profile.summary,
            consents=profile.consents,
            version=profile.version,
            edit_ids=edit_ids,
        )


class EditIn(Strict):
    """One edit of a profile by the person or for them."""

    op: Literal["add", "remove", "mute", "boost", "exclude_event", "undo"]
    facet: str | None = Field(default=None, max_length=512)
    value: str | None = Field(default=None, max_length=512)
    weight: float | None = Field(default=None, ge=0.0, le=10.0)
    event_id: str | None = Field(default=None, max_length=512)
    edit_id: str | None = Field(default=None, max_length=512)


class PatchIn(Strict):
    """Edits, applied in order."""

    edits: list[EditIn] = Field(min_length=1, max_length=100)


class ItemIn(BaseModel):
    """An item under Schema.org Product names; anything else belongs into `attributes`, other keys are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    item_id: str | None = Field(default=None, min_length=1, max_length=512)
    name: str = ""
    brand: str | dict[str, JsonValue] | None = None
    category: str | list[str] | None = None
    description: str = ""
    image: str | None = None
    price: float | None = Field(default=None, ge=0)
    currency: str | None = None
    offers: dict[str, JsonValue] | None = None
    availability: str | None = None
    in_stock: bool | None = None
    attributes: dict[str, JsonValue] | None = None
    additional_property: list[dict[str, JsonValue]] | None = Field(default=None, alias="additionalProperty")


class UserOut(BaseModel):
    """One person of the log."""

    user_id: str
    last_seen: datetime
    n_events: int


class UsersOut(BaseModel):
    """A page of people; `after` fetches the next one, null on the last."""

    users: list[UserOut]
    after: str | None


class SimilarOut(BaseModel):
    """Items like an item."""

    release: str
    items: list[RankedItemOut]
    took_ms: float


class LikeIn(Strict):
    """Of whom an audience is to be like: exactly one of `user_ids` and `filter`, and of at least the floor."""

    user_ids: list[str] | None = Field(default=None, min_length=1, max_length=100_000)
    filter: dict[str, JsonValue] | None = Field(default=None, description="a filter that selects the examples")
    method: Literal["vector", "classifier"] = Field(
        default="vector", description="vector: cosine of U with the examples' mean; classifier: log-odds taught by them"
    )


class AudienceIn(Strict):
    """Which audience."""

    filter: dict[str, JsonValue] | None = Field(
        default=None,
        description="{field: value | [values] | {gte, lte} | {not: ...}}; fields are facets of the profile, such as "
        'interests.brand, or {"value": "Uji", "score": {"gte": 0.1}} of these; {"any": [filter, ...]}',
        examples=[{"interests.category": "Tea", "behaviour.recency_days": {"lte": 30}}],
    )
    like: LikeIn | None = Field(default=None, description="the k most alike of those who pass the filter")
    k: int = Field(default=1000, ge=1, le=100_000, description="of an audience with `like`; at least the floor")
    export: bool = Field(default=False, description="name the members")


class SizeOut(BaseModel):
    """A count, or `fewer_than` the floor and no count."""

    count: int | None = Field(default=None, description="rounded down to a fifth of the floor")
    fewer_than: int | None = None

    @classmethod
    def of(cls, size: Size) -> "SizeOut":
        """From the core's noun."""
        return cls(count=size.count, fewer_than=size.fewer_than)


class MemberOut(BaseModel):
    """One person of an audience, with the likeness where there is one."""

    user_id: str
    score: float | None = None


class AudienceOut(SizeOut):
    """How many people, and who, where that was asked for and may be said; one of `count` and `fewer_than` is there.

    `count` is exact beside `members`, else rounded down. `excluded_by_consent`: people of the whole store who denied
    advertising or personalisation. `withheld`: why nobody is named. `release`: whose encoder compared people.
    """

    floor: int
    excluded_by_consent: SizeOut
    members: list[MemberOut] | None = None
    withheld: str | None = None
    release: str | None = None
    took_ms: float


class SuggestionOut(BaseModel):
    """A line under a search box."""

    text: str
    kind: Literal["query", "category", "brand", "item"]
    highlight: list[tuple[int, int]] = Field(description="half-open ranges of code points that were typed")
    scope: dict[str, str] | None = Field(default=None, description="a filter of a search for what is named")


class SuggestOut(BaseModel):
    """Completions of what was typed, best first."""

    suggestions: list[SuggestionOut]
    took_ms: float


class HealthOut(BaseModel):
    """Whether the service can answer."""

    status: str
    release: str | None
    data_dir: str
