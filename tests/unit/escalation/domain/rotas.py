"""Rotations with dull defaults."""

from datetime import UTC, date, datetime

from services.escalation.domain.duty import Duty, Term
from services.escalation.domain.hand_offs import HandOffs, Period
from services.escalation.domain.on_call import Layer, Limit, Override, Rotation

BERLIN = "Europe/Berlin"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hand_offs(
    period: str = "weekly",
    starts_on: str = "2026-01-05",
    at: str = "09:00",
    *,
    every: int = 1,
    weekday: int | None = None,
    month_day: int | None = None,
    time_zone: str = BERLIN,
) -> HandOffs:
    hours, minutes = map(int, at.split(":"))
    return HandOffs(
        period=Period(period),
        every=every,
        minute=hours * 60 + minutes,
        weekday=weekday,
        month_day=month_day,
        starts_on=date.fromisoformat(starts_on),
        time_zone=time_zone,
    )


def a_layer(
    *members: str, layer_id: str = "main", turns: HandOffs | None = None, limits: tuple[Limit, ...] = ()
) -> Layer:
    return Layer(
        layer_id=layer_id, members=members or ("ada", "ben"), hand_offs=turns or hand_offs(), limits=limits
    )


def a_rotation(*layers: Layer, fallback: str | None = None) -> Rotation:
    return Rotation(rotation_id="desk", layers=layers or (a_layer(),), fallback=fallback)


def an_override(agent: str, start: str, end: str) -> Override:
    return Override(override_id=f"{agent}/{start}", agent=agent, start=utc(start), end=utc(end))


def a_duty(rotation: Rotation, *overrides: Override) -> Duty:
    return Duty(terms=(Term(since=LONG_AGO, rotation=rotation),), overrides=overrides)
