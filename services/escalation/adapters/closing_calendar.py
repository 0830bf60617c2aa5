"""What differs from a calendar's week as a calendar that people subscribe to (RFC 5545, RFC 7986)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from services.escalation.domain.unusual import Unusual

_REFRESH = timedelta(hours=1)


def closing_calendar(workspace_id: str, calendar_id: str, found: Iterable[Unusual], now: datetime) -> bytes:
    """The calendar of these differences. An event is known by its calendar, its start and what it is."""
    from icalendar import Calendar, Event, vDuration, vText  # late: most processes are never asked

    calendar = Calendar()
    name = f"Closed and open: {calendar_id}"
    for key, value in (("prodid", "-//Waypost//Calendars//EN"), ("version", "2.0"), ("name", vText(name))):
        calendar.add(key, value)
    calendar.add("x-wr-calname", vText(name))
    calendar.add("refresh-interval", vDuration(_REFRESH), parameters={"VALUE": "DURATION"})
    for each in found:
        kind = "open" if each.is_open else "closed"
        begins = f"{each.start:%Y%m%dT%H%M%S%f}Z" if isinstance(each.start, datetime) else f"{each.start:%Y%m%d}"
        event = Event()
        event.add("uid", f"{begins}-{kind}-{calendar_id}@{workspace_id}.waypost")
        event.add("dtstamp", now)
        event.add("dtstart", each.start)
        event.add("dtend", each.end)
        event.add("summary", f"{kind.capitalize()}: {calendar_id}")
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
