"""The KPIs. A further one is one definition here, the rule that makes its facts where they are new, and tests."""

from collections.abc import Mapping
from types import MappingProxyType

from services.metrics.domain.agent import Presence
from services.metrics.domain.fact import FactKind, Opinion
from services.metrics.domain.kpi import (
    Count,
    FactMeasure,
    Kpi,
    Mean,
    Measure,
    Net,
    Oldest,
    Percentile,
    Population,
    Present,
    Selection,
    Share,
    Unit,
    Variant,
    variants_of,
)
from shared.vocabulary import SlaMetric, TicketStatus

_PERCENTILES = (50, 75, 90, 95, 99)


def _percentiles(kind: FactKind) -> dict[str, Measure]:
    return {f"p{percent}": Percentile(Selection(kind), percent) for percent in _PERCENTILES}


def _attainment(metric: SlaMetric | None) -> FactMeasure:
    met = Selection(FactKind.CLOCK_MET, metric)
    breached = Selection(FactKind.CLOCK_BREACHED, metric)
    return Share(hits=(met,), of=(met, breached))


KPIS = (
    Kpi(
        name="volume",
        version=1,
        unit=Unit.TICKETS,
        description="Tickets opened, whatever became of them.",
        measure=Count((Selection(FactKind.OPENED),)),
    ),
    Kpi(
        name="waiting",
        version=1,
        unit=Unit.TICKETS,
        description="Tickets that wait for an agent in a queue.",
        measure=Present(Population.WAITING),
    ),
    Kpi(
        name="oldest_waiting",
        version=1,
        unit=Unit.SECONDS,
        description="How long the ticket that entered its queue first has waited there.",
        measure=Oldest(Population.WAITING),
    ),
    Kpi(
        name="time_to_assign",
        version=1,
        unit=Unit.SECONDS,
        description="From opened to first assigned to an agent; the mean, or a percentile.",
        measure=Mean(Selection(FactKind.ASSIGNED)),
        variants=_percentiles(FactKind.ASSIGNED),
        headline=("p90",),
    ),
    Kpi(
        name="first_reply",
        version=1,
        unit=Unit.SECONDS,
        description="From the customer's first message to the first reply of an agent; the mean, or a percentile.",
        measure=Mean(Selection(FactKind.FIRST_REPLIED)),
        variants=_percentiles(FactKind.FIRST_REPLIED),
        headline=("p90",),
    ),
    Kpi(
        name="full_resolution",
        version=1,
        unit=Unit.SECONDS,
        description="From opened to last solved; the mean, or a percentile. Reopening takes it back.",
        measure=Mean(Selection(FactKind.RESOLVED)),
        variants=_percentiles(FactKind.RESOLVED),
        headline=("p90",),
    ),
    Kpi(
        name="sla_attainment",
        version=1,
        unit=Unit.PERCENT,
        description="Promises kept, of those kept or broken. Running and cancelled clocks do not count.",
        measure=_attainment(None),
        variants={metric.value: _attainment(metric) for metric in SlaMetric},
    ),
    Kpi(
        name="breaches",
        version=1,
        unit=Unit.BREACHES,
        description="Promises broken, at the moment when they were due.",
        measure=Count((Selection(FactKind.CLOCK_BREACHED),)),
        variants={metric.value: Count((Selection(FactKind.CLOCK_BREACHED, metric),)) for metric in SlaMetric},
    ),
    Kpi(
        name="backlog",
        version=1,
        unit=Unit.TICKETS,
        description="Unsolved tickets: new, open, pending and on hold.",
        measure=Present(Population.BACKLOG),
        variants={
            status.value: Present(Population.BACKLOG, frozenset({status}))
            for status in TicketStatus
            if status.is_unsolved
        },
        headline=tuple(status.value for status in TicketStatus if status.is_unsolved),
    ),
    Kpi(
        name="csat",
        version=1,
        unit=Unit.PERCENT,
        description="The share of ratings with one of the top two points. A ticket's last rating counts.",
        measure=Share(hits=(Selection(FactKind.CSAT_RATED, Opinion.GOOD),), of=(Selection(FactKind.CSAT_RATED),)),
    ),
    Kpi(
        name="nps",
        version=1,
        unit=Unit.POINTS,
        description="The share of ratings of 9 and 10 less that of 0 to 6. A ticket's last rating counts.",
        measure=Net(
            plus=(Selection(FactKind.NPS_RATED, Opinion.GOOD),),
            minus=(Selection(FactKind.NPS_RATED, Opinion.BAD),),
            of=(Selection(FactKind.NPS_RATED),),
        ),
    ),
    Kpi(
        name="agents",
        version=2,
        unit=Unit.AGENTS,
        description=(
            "Agents by state; all who are not offline where no state is named. Who is off shift or on leave, and"
            " not offline, counts as off_duty alone."
        ),
        measure=Present(Population.AGENTS, frozenset(each for each in Presence if each is not Presence.OFFLINE)),
        variants={each.value: Present(Population.AGENTS, frozenset({each})) for each in Presence},
        headline=tuple(each.value for each in Presence),
    ),
)

VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {variant.name: variant for kpi in KPIS for variant in variants_of(kpi)}
)
"""Every number that can be asked for, by its wire name."""

HEADLINES: tuple[str, ...] = tuple(
    name for kpi in KPIS for name in (kpi.name, *(f"{kpi.name}.{suffix}" for suffix in kpi.headline))
)
"""The numbers that are shown where nobody asks for particular ones."""
