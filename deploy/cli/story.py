"""A ticket's path: what every service says of it, in words and in the order of time."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel

from deploy.cli.answers import Clock, Clocks, Decision, Entry, Message, Ticket
from deploy.cli.api import Refused, Service
from deploy.cli.errors import CliError
from deploy.cli.output import duration

_BRIEF = 90
_TOLD_BY_DECISIONS = ("work.", "offer.")
_TOLD_BY_MESSAGES = frozenset({"ticket.message_received", "ticket.reply_sent"})


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """One thing that happened. `who` is a person, or the service that did it."""

    at: datetime
    order: int
    who: str = field(compare=False)
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Story:
    """A ticket and its path. `missing` names the services that could not be asked."""

    ticket: Ticket
    moments: Sequence[Moment]
    clocks: Sequence[Clock]
    missing: Sequence[str] = ()


async def find_ticket(intake: Service, named: str) -> Ticket:
    """The ticket with this number or id. CliError where there is none."""
    text = named.removeprefix("#")
    if text.isdigit():
        found = await intake.pages("/v1/tickets", Ticket, {"number": int(text)}, most=1)
        if not found:
            raise CliError(f"There is no ticket {named}.")
        return found[0]
    try:
        ticket_id = UUID(text)
    except ValueError:
        raise CliError(f"{named} is neither the number nor the id of a ticket.") from None
    return await intake.get(f"/v1/tickets/{ticket_id}", Ticket)


async def read_story(services: Mapping[str, Service], ticket: Ticket) -> Story:
    """Everything about a ticket. Where the router or escalation is away, what they told intake has to do."""
    intake, path = services["intake"], f"/v1/tickets/{ticket.ticket_id}"
    entries, decisions, clocks = await asyncio.gather(
        intake.pages(f"{path}/timeline", Entry),
        _decisions(services["router"], f"{path}/decisions"),
        _clocks(services["escalation"], f"{path}/clocks"),
    )
    by_decisions = [
        Moment(one.decided_at, index, "router", one.words)
        for index, one in enumerate(decisions or ())
        if one.words
    ]
    told = [entry for entry in entries if not (decisions and entry.event and _is_of_router(entry))]
    by_entries = [moment for index, entry in enumerate(told) for moment in _moments(entry, index)]
    missing = [name for name, answer in (("router", decisions), ("escalation", clocks)) if answer is None]
    return Story(ticket, sorted([*by_entries, *by_decisions]), clocks or (), missing)


async def _decisions(router: Service, path: str) -> list[Decision] | None:
    try:
        return await router.pages(path, Decision)
    except Refused as refused:
        return [] if refused.status == 404 else None
    except CliError:
        return None


async def _clocks(escalation: Service, path: str) -> list[Clock] | None:
    try:
        return (await escalation.get(path, Clocks)).items
    except Refused as refused:
        return [] if refused.status == 404 else None
    except CliError:
        return None


def _is_of_router(entry: Entry) -> bool:
    return entry.event is not None and entry.event.type.startswith(_TOLD_BY_DECISIONS)


def _moments(entry: Entry, order: int) -> Iterator[Moment]:
    if entry.message is not None:
        yield Moment(entry.at, order, _author(entry.message), message_in_words(entry.message))
    elif entry.event is not None and entry.event.type not in _TOLD_BY_MESSAGES:
        data = {name: value for name, value in entry.event.data.items() if value is not None}
        if text := event_in_words(entry.event.type, data):
            yield Moment(entry.at, order, entry.event.service, text)


def _author(message: Message) -> str:
    if message.kind == "inbound":
        return "customer"
    return message.author_id or message.author_name or message.author_kind


def message_in_words(message: Message) -> str:
    """A message or a note by its first words."""
    said = brief(message.text_new or message.text)
    match message.kind:
        case "note":
            return f"notes: “{said}”"
        case "outbound":
            state = message.delivery.state if message.delivery else "none"
            how = {"none": "", "queued": " (on its way)", "sent": " (sent)"}.get(state, f" ({state})")
            return f"replies{how}: “{said}”"
        case _:
            machine = "" if message.machine == "none" else f" by machine ({message.machine.replace('_', ' ')})"
            name = f" ({message.author_name})" if message.author_name else ""
            return f"writes{name}{machine}: “{said}”"


def event_in_words(name: str, data: Mapping[str, object]) -> str:
    """What an event says, in words; nothing for those that say nothing to a person."""

    def word(key: str) -> str:
        return str(data.get(key, "?")).replace("_", " ")

    match name:
        case "ticket.opened":
            return f"opens ticket #{word('ticket_number')} by channel {word('channel')}"
        case "ticket.status_changed":
            by = f" by {word('actor_id')}" if "actor_id" in data else ""
            return f"{word('previous')} → {word('status')}{by} ({word('cause')})"
        case "ticket.updated":
            return f"changed: {_listed(data.get('changed'))}"
        case "ticket.merged":
            return "goes up in another ticket"
        case "call.ended":
            wait, talk = _seconds(data, "queue_s"), _seconds(data, "talk_s")
            return f"call ends: {word('outcome')}, {wait} in the queue, {talk} of talk"
        case "sla.clock_started":
            by = f"({word('policy')}, due {_due(data)})"
            return f"{word('metric')} is promised within {_seconds(data, 'target_s')} {by}"
        case "sla.clock_paused":
            return f"{word('metric')} stands still after {_seconds(data, 'elapsed_s')}"
        case "sla.clock_resumed":
            return f"{word('metric')} runs again, due {_due(data)}"
        case "sla.clock_stopped":
            late = f", {_seconds(data, 'overdue_s')} late" if data.get("outcome") == "late" else ""
            return f"{word('metric')} ends: {word('outcome')} after {_seconds(data, 'elapsed_s')}{late}"
        case "sla.warned":
            return f"warning: {word('level_percent')} % of the time for {word('metric')} is used up"
        case "sla.met":
            return f"{word('metric')} is kept: {_seconds(data, 'elapsed_s')} of {_seconds(data, 'target_s')}"
        case "sla.breached":
            return f"BREACH: {word('metric')} was due {_due(data)}, within {_seconds(data, 'target_s')}"
        case "sla.breach_withdrawn":
            return f"the breach of {word('metric')} is withdrawn: it was answered in time"
        case "escalation.raised":
            return f"escalation {word('policy')}, level {word('level')}: {_action(data.get('action'))}"
        case "escalation.acknowledged":
            return f"escalation acknowledged by {word('actor_id')}"
        case "escalation.resolved":
            return f"escalation resolved ({word('cause')})"
        case _ if name.startswith(_TOLD_BY_DECISIONS):
            agent = f" {word('agent_id')}" if "agent_id" in data else ""
            return f"{name.replace('.', ' ')}{agent}"
        case _:
            return ""


def brief(text: str, most: int = _BRIEF) -> str:
    """A text on one line, cut where it gets long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _action(action: object) -> str:
    if not isinstance(action, Mapping):
        return "?"
    match action.get("kind"):
        case "requeue":
            tier, queue = action.get("support_tier"), action.get("queue")
            place = " and ".join([f"queue {queue}"] * bool(queue) + [f"tier {tier}"] * bool(tier))
            moved = [f"moved to {place}"] if place else []
            handed = [f"handed to {action['agent_id']}"] if action.get("agent_id") else []
            return ", ".join([*moved, *handed, *["more agents are asked"] * bool(action.get("widen"))])
        case "raise_priority":
            return f"priority raised by {action.get('by')}"
        case "notify":
            return f"{action.get('recipients')} told"
        case other:
            return str(other)


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) else str(value)


def _seconds(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    return duration(value) if isinstance(value, int | float) else "?"


def _due(data: Mapping[str, object]) -> str:
    try:
        at = datetime.fromisoformat(str(data.get("due_at"))).astimezone(UTC)
    except ValueError:
        return "?"
    return at.astimezone().strftime("%d %b %H:%M:%S")


class MomentOutline(BaseModel):
    """One thing that happened, for programs."""

    at: datetime
    who: str
    text: str


class StoryOutline(BaseModel):
    """A ticket's path, for programs."""

    ticket: Ticket
    path: list[MomentOutline]
    clocks: list[Clock]
    missing: list[str]


def outline(story: Story) -> StoryOutline:
    """The story as it is printed for programs."""
    return StoryOutline(
        ticket=story.ticket,
        path=[MomentOutline(at=one.at, who=one.who, text=one.text) for one in story.moments],
        clocks=list(story.clocks),
        missing=list(story.missing),
    )
