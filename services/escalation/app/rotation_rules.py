"""What rotations have to keep to, and what of them is probably not meant."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

from services.escalation.app.rotation_parts import LayerPart, RotationPart
from services.escalation.app.rotations import to_rotation
from services.escalation.domain.duty import Duty, Term
from services.escalation.domain.hand_offs import Period
from services.escalation.domain.on_call import Rotation
from services.escalation.domain.sla_policy import BEGINNING
from shared.calendar import WEEKDAYS, Calendar, parse_hours
from shared.calendar_parts import check_time_zone
from shared.configuration import Problem, repeated, unknown

OUTLOOK = timedelta(days=60)
"""How far ahead gaps and overlaps are shown."""
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def rotation_problems(
    rotations: Sequence[RotationPart], agents: Collection[str], calendars: Collection[str]
) -> Iterator[Problem]:
    """agents: who can be told; calendars: those that there are"""
    yield from repeated("/rotations", [item.id for item in rotations])
    for index, rotation in enumerate(rotations):
        at = f"/rotations/{index}"
        yield from _zone_problems(at, rotation.time_zone)
        yield from repeated(f"{at}/layers", [layer.id for layer in rotation.layers])
        if rotation.fallback is not None:
            yield from unknown(f"{at}/fallback", [rotation.fallback], agents, "agent with an address")
        for number, layer in enumerate(rotation.layers):
            yield from _layer_problems(f"{at}/layers/{number}", layer, agents, calendars)


def rotation_warnings(
    rotations: Sequence[RotationPart], calendars: Mapping[str, Calendar], now: datetime
) -> Iterator[str]:
    """Gaps and overlaps of the next 60 days, of rotations that keep to the rules."""
    for index, part in enumerate(rotations):
        rotation = to_rotation(part, calendars)
        for told in (_gaps(rotation, now), _overlaps(rotation, now)):
            yield from (f"/rotations/{index}: rotation {part.id} {text}" for text in told)


def _layer_problems(
    at: str, layer: LayerPart, agents: Collection[str], calendars: Collection[str]
) -> Iterator[Problem]:
    yield from unknown(f"{at}/members", layer.members, agents, "agent with an address")
    if len(set(layer.members)) != len(layer.members):
        yield f"{at}/members", "somebody stands twice"
    if layer.weekday is not None and layer.period is not Period.WEEKLY:
        yield f"{at}/weekday", "is for weekly turns"
    if layer.month_day is not None and layer.period is not Period.MONTHLY:
        yield f"{at}/month_day", "is for monthly turns"
    if not EARLIEST <= layer.starts_on <= LATEST:
        yield f"{at}/starts_on", f"lies between {EARLIEST.year} and {LATEST.year}"
    if layer.time_zone is not None:
        yield from _zone_problems(at, layer.time_zone)
    for field, named in (("during", layer.during), ("outside", layer.outside)):
        if named is not None:
            yield from unknown(f"{at}/{field}", [named], calendars, "calendar")
    if layer.hours is not None:
        yield from _hours_problems(f"{at}/hours", layer)


def _hours_problems(at: str, layer: LayerPart) -> Iterator[Problem]:
    found = False
    for day in WEEKDAYS:
        for text in getattr(layer.hours, day):
            found = True
            try:
                parse_hours(text)
            except ValueError as error:
                yield f"{at}/{day}", str(error)
    if not found:
        yield at, "nobody is ever on call"


def _zone_problems(at: str, name: str) -> Iterator[Problem]:
    try:
        check_time_zone(name)
    except ValueError as error:
        yield f"{at}/time_zone", str(error).removeprefix("time_zone ")


def _gaps(rotation: Rotation, now: datetime) -> Iterator[str]:
    duty = Duty(terms=(Term(since=BEGINNING, rotation=rotation),))
    gaps = list(duty.gaps(now, now + OUTLOOK))
    if gaps:
        first = gaps[0]
        yield (
            f"has nobody on call in {_times(len(gaps))} of the next {OUTLOOK.days} days,"
            f" first from {_minute(first.start)} to {_minute(first.end)}"
        )


def _overlaps(rotation: Rotation, now: datetime) -> Iterator[str]:
    found = rotation.overlaps(now, now + OUTLOOK)
    for (upper, lower), pairs in groupby(found, key=lambda overlap: (overlap.upper.source, overlap.lower.source)):
        overlaps = list(pairs)
        yield (
            f"has layer {upper} over layer {lower} in {_times(len(overlaps))} of the next {OUTLOOK.days} days,"
            f" first from {_minute(overlaps[0].start)} to {_minute(overlaps[0].end)}"
        )


def _times(count: int) -> str:
    return "1 stretch" if count == 1 else f"{count} stretches"


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}Z"
