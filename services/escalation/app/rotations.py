"""From rotations as they are written to those that say who is on call."""

from collections.abc import Iterator, Mapping

from services.escalation.app.rotation_parts import LayerPart, RotationPart
from services.escalation.domain.hand_offs import HandOffs
from services.escalation.domain.on_call import Layer, Limit, Rotation
from shared.calendar import WEEKDAYS, Calendar, parse_hours


def to_rotation(part: RotationPart, calendars: Mapping[str, Calendar]) -> Rotation:
    """Of a part that was checked."""
    layers = tuple(_layer(item, part.time_zone, calendars) for item in part.layers)
    return Rotation(rotation_id=part.id, layers=layers, fallback=part.fallback)


def _layer(part: LayerPart, time_zone: str, calendars: Mapping[str, Calendar]) -> Layer:
    hours, minutes = map(int, part.hand_off.split(":"))
    zone = part.time_zone or time_zone
    return Layer(
        layer_id=part.id,
        members=part.members,
        hand_offs=HandOffs(
            period=part.period,
            every=part.every,
            minute=hours * 60 + minutes,
            weekday=WEEKDAYS.index(part.weekday) if part.weekday else None,
            month_day=part.month_day,
            starts_on=part.starts_on,
            time_zone=zone,
        ),
        limits=tuple(_limits(part, zone, calendars)),
    )


def _limits(part: LayerPart, time_zone: str, calendars: Mapping[str, Calendar]) -> Iterator[Limit]:
    if part.hours is not None:
        weekly = {day: tuple(map(parse_hours, getattr(part.hours, name))) for day, name in enumerate(WEEKDAYS)}
        yield Limit(calendar=Calendar(time_zone=time_zone, weekly=weekly))
    if part.during is not None:
        yield Limit(calendar=calendars[part.during])
    if part.outside is not None:
        yield Limit(calendar=calendars[part.outside], while_open=False)
