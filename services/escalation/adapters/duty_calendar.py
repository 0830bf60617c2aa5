"""Shifts as a calendar that people subscribe to (RFC 5545, RFC 7986)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from services.escalation.domain.escalation_policy import Contact
from services.escalation.domain.on_call import Shift, Why

REFRESH = timedelta(hours=1)


def duty_calendar(
    workspace_id: str,
    rotation: str,
    shifts: Iterable[Shift],
    contacts: Mapping[str, Contact],
    *,
    agent: str | None,
    now: datetime,
) -> bytes:
    """The calendar of those shifts that somebody has. agent: only this one's

    An event is known by its rotation and its start: who takes a shift over takes its event over.
    """
    from icalendar import Calendar, Event, vDuration, vText  # late: most processes are never asked

    calendar = Calendar()
    name = f"On call: {rotation}" if agent is None else f"On call: {rotation} ({_name(agent, contacts)})"
    for key, value in (("prodid", "-//Waypost//On call//EN"), ("version", "2.0"), ("name", vText(name))):
        calendar.add(key, value)
    calendar.add("x-wr-calname", vText(name))
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    for shift in shifts:
        if shift.agent is None or agent not in (None, shift.agent):
            continue
        event = Event()
        event.add("uid", f"{shift.start:%Y%m%dT%H%M%S%fZ}-{rotation}@{workspace_id}.waypost")
        event.add("dtstamp", now)
        event.add("dtstart", shift.start)
        event.add("dtend", shift.end)
        event.add("summary", f"{_name(shift.agent, contacts)} is on call: {rotation}")
        event.add("description", _WHY[shift.why].format(source=shift.source))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


_WHY = {
    Why.OVERRIDE: "Stands in for whoever's turn it is.",
    Why.LAYER: "Turn in layer {source}.",
    Why.FALLBACK: "Is on call where nobody else is.",
    Why.NOBODY: "",
}


def _name(agent: str, contacts: Mapping[str, Contact]) -> str:
    contact = contacts.get(agent)
    name = (contact.name if contact else None) or agent
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
