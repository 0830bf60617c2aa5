"""Which KPIs, windows and scopes a request names."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, StringConstraints, WithJsonSchema

from services.metrics.app.board import Board
from services.metrics.app.watch import Query as BoardQuery
from services.metrics.domain.definitions import HEADLINES, VARIANTS
from services.metrics.domain.fact import Dimension, Scope
from services.metrics.domain.intervals import Span
from services.metrics.domain.kpi import Variant, Window
from shared.errors import InvalidInput, NotFound
from shared.http.types import Instant, Text

_MOST_VALUES = 30_000
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _known(name: str) -> str:
    if name not in VARIANTS:
        raise ValueError("there is no such KPI")
    return name


KpiName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": sorted(VARIANTS)})]
"""The wire name of a KPI, with its variant."""

Member = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
NamePath = Annotated[
    str,
    Path(
        pattern=r"^[a-z0-9_]{1,50}(\.[a-z0-9_]{1,50})?$",
        description="A KPI's name, with its variant where one is meant.",
        examples=["first_reply.p90"],
    ),
]

_Members = Annotated[list[Member], Query(max_length=100)]
_Tiers = Annotated[list[Annotated[int, Query(ge=0, le=32767)]], Query(max_length=100)]


async def board_query(
    kpi: Annotated[
        list[KpiName], Query(max_length=100, description="Which KPIs; the usual ones where none is named.")
    ] = [],  # noqa: B006 - FastAPI copies it
    window: Annotated[list[Window], Query(max_length=10, description="Which windows; all by default.")] = [],  # noqa: B006
    by: Annotated[
        list[Dimension],
        Query(max_length=10, description="All members of these; workspace and queues where no scope is named."),
    ] = [],  # noqa: B006
    queue: _Members = [],  # noqa: B006
    channel: _Members = [],  # noqa: B006
    agent: _Members = [],  # noqa: B006
    tier: _Tiers = [],  # noqa: B006
) -> BoardQuery:
    """The values that a request asks for. A queue, channel, agent or tier names a scope of its own each."""
    scopes = {
        *(Scope(Dimension.QUEUE, member) for member in queue),
        *(Scope(Dimension.CHANNEL, member) for member in channel),
        *(Scope(Dimension.AGENT, member) for member in agent),
        *(Scope(Dimension.TIER, str(member)) for member in tier),
    }
    usual = () if scopes else (Dimension.WORKSPACE, Dimension.QUEUE)
    return BoardQuery(
        kpis=tuple(name for name in VARIANTS if name in (kpi or HEADLINES)),
        windows=tuple(one for one in Window if one in (window or Window)),
        dimensions=tuple(dimension for dimension in Dimension if dimension in by) or usual,
        scopes=tuple(sorted(scopes)),
    )


def require_small(query: BoardQuery, board: Board) -> None:
    """Raises InvalidInput for more values than can be made while everybody else waits."""
    if query.size(board) > _MOST_VALUES:
        raise InvalidInput(
            "These are too many values at once.", problems=(("kpi", "name fewer KPIs, windows or scopes"),)
        )


async def one_scope(
    queue: Annotated[Member | None, Query()] = None,
    channel: Annotated[Member | None, Query()] = None,
    agent: Annotated[Member | None, Query()] = None,
    tier: Annotated[int | None, Query(ge=0, le=32767)] = None,
) -> Sequence[Scope]:
    """The scopes that a request names: only what is in all of them counts."""
    named = (
        (Dimension.QUEUE, queue),
        (Dimension.CHANNEL, channel),
        (Dimension.AGENT, agent),
        (Dimension.TIER, None if tier is None else str(tier)),
    )
    return [Scope(dimension, member) for dimension, member in named if member is not None]


SinceQuery = Annotated[Instant | None, Query(alias="from", description="The start; of today by default.")]
UntilQuery = Annotated[Instant | None, Query(alias="to", description="The end, exclusive; none by default.")]


def span_of(since: datetime | None, until: datetime | None, *, usual: Span) -> Span:
    """The span that a request names, within the years that numbers can be of."""
    start, end = since or usual.start, until or usual.end
    return Span(max(_FIRST, min(_LAST, start)), max(_FIRST, min(_LAST, end)))


def variant_of(name: str) -> Variant:
    """The KPI of this name. Raises NotFound."""
    if name not in VARIANTS:
        raise NotFound("There is no such KPI.")
    return VARIANTS[name]
