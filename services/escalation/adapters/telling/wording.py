"""What people read in mail and chat: facts only, what the customer wrote stays where it is."""

from collections.abc import Mapping

from services.escalation.domain.digest import Count, Digest

_MOST_COUNTS = 20
_LINES = (
    ("Ticket", "ticket_number"),
    ("Metric", "metric"),
    ("Priority", "priority"),
    ("Queue", "queue"),
    ("KPI", "kpi"),
    ("Agent", "agent_id"),
    ("Escalation policy", "policy"),
    ("Level", "level"),
    ("Escalation", "escalation_id"),
)


def subject(digest: Digest) -> str:
    """What it is about, in one line."""
    facts = digest.shown[0].facts
    if digest.total > 1:
        return f"{digest.total} escalations: {_thing(facts)} and {digest.total - 1} more"
    return f"{_thing(facts)} is {_handed_over(facts) or 'escalated'}: {_why(facts)}, level {facts['level']}"


def lines(digest: Digest) -> list[str]:
    """All that is told: each of a few, and of many the first ones and how many are like what."""
    if digest.total == 1:
        facts = digest.shown[0].facts
        told = [f"{label}: {facts[name]}" for label, name in _LINES if facts.get(name) is not None]
        handed = _handed_over(facts)
        first = f"is {handed}, who is on call now" if handed else "needs somebody"
        return [f"{_thing(facts)} {first}.", "", *told]
    listed = [line(item.facts) for item in digest.shown]
    if not digest.hidden:
        return [f"{digest.total} escalations need somebody.", "", *listed]
    return [
        f"{digest.total} escalations need somebody. The first {len(listed)}:",
        "",
        *listed,
        "",
        f"{digest.hidden} more are not listed. All {digest.total}:",
        *map(_counted, digest.counts[:_MOST_COUNTS]),
        *(["and others"] if len(digest.counts) > _MOST_COUNTS else []),
    ]


def line(facts: Mapping[str, object]) -> str:
    """One of several, in one line."""
    named = ("priority", "queue", "agent_id", "policy")
    told = [str(facts[name]) for name in named if facts.get(name) is not None]
    handed = f", {_handed_over(facts)}" if _handed_over(facts) else ""
    return f"{_thing(facts)}: {_why(facts)}, level {facts['level']}{handed} ({', '.join(told)})"


def _handed_over(facts: Mapping[str, object]) -> str:
    """To whom, where whoever was told is not on call any more. Empty where nothing is handed over."""
    to = facts.get("handed_over_to")
    return f"handed over to {' and '.join(map(str, to))}" if isinstance(to, list) and to else ""


def _counted(count: Count) -> str:
    metric = f", {count.metric.replace('_', ' ')}" if count.metric else ""
    queue = f", queue {count.queue}" if count.queue else ""
    return f"{count.count} by policy {count.policy}{queue}{metric}"


def _thing(facts: Mapping[str, object]) -> str:
    if facts.get("ticket_number") is not None:
        return f"Ticket {facts['ticket_number']}"
    queue = f"queue {facts['queue']}" if facts.get("queue") else ""
    if facts.get("kpi"):
        return f"{facts['kpi']} of {queue}" if queue else str(facts["kpi"])
    return queue.capitalize() or "Something"


def _why(facts: Mapping[str, object]) -> str:
    if facts.get("metric"):
        return str(facts["metric"]).replace("_", " ")
    trigger = str(facts["trigger"])
    return "by hand" if trigger == "manual" else trigger.replace("_", " ").replace(".", " ")
