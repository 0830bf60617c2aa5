"""What policies decide by: a ticket's facts, and the moment at which they are asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.calendar import Calendar
from shared.vocabulary import ChannelKind, Priority

FIELDS: Mapping[str, frozenset[str]] = {
    "ticket": frozenset({"channel", "channel_kind", "priority", "language", "labels"}),
    "customer": frozenset({"tier", "language", "organisation"}),
    "channel": frozenset({"id", "kind"}),
    "time": frozenset({"hour", "minute_of_day", "weekday", "date"}),
    "calendar": frozenset(),
}
"""What a rule's condition may read; of `calendar` whatever calendars there are."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INSTANT = timedelta(microseconds=1)

Variables = Mapping[str, Mapping[str, object]]
"""Variables with their fields, as conditions read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a policy knows of a ticket."""

    channel: str
    channel_kind: ChannelKind
    priority: Priority
    labels: Mapping[str, str]
    language: str | None
    customer_tier: str
    customer_language: str | None
    organisation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a policy is asked, as conditions read it.

    time: in the workspace's zone; calendar: which calendars are open
    """

    time: Mapping[str, object] = field(default_factory=dict)
    calendar: Mapping[str, bool] = field(default_factory=dict)


def moment_at(now: datetime, time_zone: str, calendars: Mapping[str, Calendar]) -> Moment:
    """What time it is in a workspace, and what is open."""
    local = now.astimezone(ZoneInfo(time_zone))
    return Moment(
        time={
            "hour": local.hour,
            "minute_of_day": local.hour * 60 + local.minute,
            "weekday": WEEKDAYS[local.weekday()],
            "date": local.date().isoformat(),
        },
        calendar={
            calendar_id: calendar.elapsed(now, now + _INSTANT) > timedelta()
            for calendar_id, calendar in calendars.items()
        },
    )


def variables_of(facts: Facts, moment: Moment) -> Variables:
    """What a condition reads."""
    return {
        "ticket": {
            "channel": facts.channel,
            "channel_kind": facts.channel_kind.value,
            "priority": facts.priority.value,
            "language": facts.language or "",
            "labels": facts.labels,
        },
        "customer": {
            "tier": facts.customer_tier,
            "language": facts.customer_language or "",
            "organisation": facts.organisation_id or "",
        },
        "channel": {"id": facts.channel, "kind": facts.channel_kind.value},
        "time": moment.time,
        "calendar": moment.calendar,
    }
