"""The configurations that a desk is opened with and changed to."""

from functools import lru_cache

from services.router.app.configuration import RouterPart, to_configuration
from services.router.domain import inputs

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HALF_OF_EACH_HOUR = [f"{hour:02}:10-{hour:02}:40" for hour in range(24)]
ONE_HOUR_ON_ONE_OFF = [f"{hour:02}:00-{hour + 1:02}:00" for hour in range(9, 24, 2)]
AGENTS: dict[str, dict[str, object]] = {
    "ann": {
        "queues": ["general", "billing"],
        "skills": {"german": 3},
        "capacity": 40,
        "ranks": {"general": 5},
    },
    "bob": {
        "queues": ["general", "shelf"],
        "capacity": 20,
        "shifts": dict.fromkeys(DAYS, ONE_HOUR_ON_ONE_OFF),
        "time_off": [{"start": "2026-03-02T09:20", "end": "2026-03-02T09:40"}],
    },
    "cid": {"queues": ["billing", "shelf"], "skills": {"german": 5}, "capacity": 60},
    "dot": {
        "queues": ["general", "billing"],
        "support_tier": 2,
        "limits": {"email": {"cost": 20, "most": 5, "interruptible": True}},
    },
    "eve": {"queues": ["general"], "skills": {"german": 5}, "capacity": 60},
    "fay": {"queues": ["general"], "skills": {"german": 4}},
}
QUEUES: list[dict[str, object]] = [
    {
        "id": "general",
        "rank": 20,
        "order": "ageing",
        "ageing": "1m",
        "offer_timeout": "30s",
        "asked_at_once": 2,
    },
    {
        "id": "billing",
        "rank": 10,
        "reserve": 1,
        "order": "sla_urgency",
        "offer_mode": "auto",
        "wrap_up": "20s",
        "hours": {"weekly": dict.fromkeys(DAYS, HALF_OF_EACH_HOUR)},
        "closed_to": "general",
        "overflow": {"after": "2m", "to": "general"},
    },
    {"id": "shelf", "offer_mode": "pull"},
]
RULES: list[dict[str, object]] = [
    {
        "id": "german",
        "when": 'ticket.language == "de"',
        "queue": "general",
        "skills": {"german": 3},
        "steps": [
            {"after": "60s", "lower": {"german": 2}},
            {"after": "75s", "drop": ["german"], "raise_by": 1},
            {"after": "90s", "also": ["billing"], "expedite": True},
        ],
        "skip_if": "nobody_ready",
    },
    {
        "id": "bills",
        "when": 'has(ticket.labels.product) && ticket.labels.product == "bill"',
        "queue": "billing",
        "preferred": {"german": 4},
    },
    {"id": "whenever", "when": 'ticket.priority == "low"', "queue": "shelf"},
]
DEFAULT = {"queue": "general", "tier_mode": "exact", "preferred_agent": {"agent": "bob", "wait": "40s"}}


ORDERS = ("ageing", "priority", "oldest", "score", "sla_urgency")
RANKINGS = ("longest_idle", "least_loaded", "round_robin", "best_match", "score")


def part(
    *,
    without: str | None = None,
    billing: bool = True,
    order: str = "ageing",
    ranking: str = "longest_idle",
    together_from: int = 0,
) -> RouterPart:
    """The configuration.

    without: somebody who is gone; billing: or everything is one queue; order, ranking: of the queue `general`
    together_from: from so many items and agents they are matched together; 0: never
    """
    limited = {} if billing else {"queues": ["general"], "ranks": {}}
    general = {**QUEUES[0], "order": order, "ranking": ranking}
    if order != "ageing":
        del general["ageing"]
    if ranking == "score":
        general["score"] = "agent.tier - agent.load"
    default: dict[str, object] = {"queue": "general", "tier_mode": "exact"}
    if without != "bob":
        default["preferred_agent"] = {"agent": "bob", "wait": "40s"}
    return RouterPart.model_validate(
        {
            "skills": ["german"],
            "matching": {"at_least": together_from},
            "agents": [{"id": name, **said, **limited} for name, said in AGENTS.items() if name != without],
            "queues": [general, *(QUEUES[1:] if billing else ())],
            "policy": {"rules": RULES if billing else [], "default": default},
        }
    )


@lru_cache(1024)
def configured(
    without: str | None, billing: bool, order: str, ranking: str, together_from: int
) -> tuple[RouterPart, inputs.Configure]:
    """A configuration as it is written, and what applies it."""
    written = part(without=without, billing=billing, order=order, ranking=ranking, together_from=together_from)
    return written, inputs.Configure(configuration=to_configuration(1, written))


@lru_cache(1024)
def without_agent(
    name: str, order: str, ranking: str, together_from: int
) -> tuple[tuple[RouterPart, inputs.ConfigureAgents], ...]:
    """Nobody but this agent is gone, comes back with German, and forgets it again. Not `bob`: a rule names him."""
    whole = part(order=order, ranking=ranking, together_from=together_from)
    one = next(agent for agent in whole.agents if agent.id == name)
    fluent = one.model_copy(update={"skills": {"german": 5}})
    others = tuple(agent for agent in whole.agents if agent.id != name)
    versions = (
        (others, inputs.ConfigureAgents(version=1, removed=(name,))),
        ((*others, fluent), inputs.ConfigureAgents(version=1, changed=(fluent,))),
        (whole.agents, inputs.ConfigureAgents(version=1, changed=(one,))),
    )
    return tuple((whole.model_copy(update={"agents": agents}), current) for agents, current in versions)
