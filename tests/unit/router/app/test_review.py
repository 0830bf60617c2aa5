"""What a colleague says of a policy: what is wrong, where, and what to do."""

from time import process_time
from typing import Any

import pytest

from services.router.app.configuration import RouterPart, check, to_configuration
from services.router.app.review import VOCABULARY
from services.router.domain.facts import FIELDS
from shared.errors import InvalidInput

AGENTS = [
    {"id": "ann", "queues": ["general"], "skills": {"german": 3}},
    {"id": "bob", "queues": ["general", "billing"], "skills": {"billing": 3}},
]


def a_part(*rules: dict[str, Any], **sections: Any) -> RouterPart:
    """A workspace with two queues, two agents, and these rules, which go to `general` unless they say so."""
    content: dict[str, Any] = {
        "skills": ["german", "billing"],
        "queues": [{"id": "general"}, {"id": "billing"}],
        "agents": AGENTS,
        "policy": {
            "rules": [{"id": f"r{index}", "queue": "general", **rule} for index, rule in enumerate(rules)],
            "default": {"queue": "general"},
        },
    }
    return RouterPart.model_validate({**content, **sections})


def conditions(*whens: str) -> RouterPart:
    """Rules of which nothing but the conditions matters."""
    return a_part(*({"when": when} for when in whens))


def refused(part: RouterPart) -> list[tuple[str, str]]:
    """What is wrong with it."""
    with pytest.raises(InvalidInput) as caught:
        check(part)
    return list(caught.value.problems)


BEHIND_R0 = (
    "never decides: whenever it holds, rule r0 before it holds too; move it up, narrow that one, or remove it"
)
PLAN_A, PLAN_B = (f'ticket.labels.plan == "{plan}"' for plan in "ab")
HIGH, GOLD = 'ticket.priority == "high"', 'customer.tier == "gold"'


@pytest.mark.parametrize(
    ("part", "place", "words"),
    [
        (
            conditions(HIGH, f"{HIGH} && {GOLD}"),
            "/policy/rules/1/when",
            BEHIND_R0,
        ),
        (
            conditions(
                'ticket.labels.plan == "a"', 'ticket.labels.plan == "b"', 'ticket.labels.plan in ["a", "b"]'
            ),
            "/policy/rules/2/when",
            "never decides: whenever it holds, one of r0 and r1 before it holds too; move it up, narrow those, or"
            " remove it",
        ),
        (
            conditions("time.hour >= 18", 'time.hour > 20 && time.weekday == "sunday"'),
            "/policy/rules/1/when",
            BEHIND_R0,
        ),
        (
            conditions(f"{GOLD} && time.hour < 8 && time.hour > 17"),
            "/policy/rules/0/when",
            "can never hold: what it asks of time.hour contradicts itself; correct it, or remove the rule",
        ),
        (
            conditions("true", GOLD),
            "/policy/rules/0/when",
            "always holds, so that nothing after it ever decides: move the rule to the end or narrow it",
        ),
        (
            conditions('ticket.priority == "hihg"'),
            "/policy/rules/0/when",
            'ticket.priority is never "hihg": did you mean "high"?',
        ),
        (
            conditions("ticket.labels.floor == 3"),
            "/policy/rules/0/when",
            'ticket.labels.floor is never 3: it is a text; did you mean "3"?',
        ),
        (
            conditions("time.hour == 24"),
            "/policy/rules/0/when",
            "time.hour is never 24: it is a number from 0 to 23",
        ),
        (
            conditions('channel.kind == "telepathy"'),
            "/policy/rules/0/when",
            'ticket.channel_kind is never "telepathy":'
            " it is one of api, chat, email, slack, sms, voice and whatsapp",
        ),
        (
            a_part({"when": GOLD, "queue": "biling"}),
            "/policy/rules/0/queue",
            "there is no queue biling; did you mean billing?",
        ),
        (
            a_part({"when": GOLD, "skills": {"germn": 3}}),
            "/policy/rules/0/skills",
            "there is no skill germn; did you mean german?",
        ),
    ],
)
def test_what_never_decides_or_refers_to_nothing_is_refused(part: RouterPart, place: str, words: str) -> None:
    assert refused(part) == [(place, words)]


def test_everything_is_said_at_once() -> None:
    part = a_part(
        {"when": "ticket.colour == 1"}, {"when": HIGH}, {"when": HIGH, "queue": "nowhere"}, {"when": "false"}
    )
    assert [place for place, _ in refused(part)] == [
        "/policy/rules/0/when",
        "/policy/rules/2/queue",
        "/policy/rules/2/when",
        "/policy/rules/3/when",
    ]


def test_a_last_rule_that_always_holds_is_as_good_as_a_default() -> None:
    assert check(conditions(GOLD, "true")) == [
        "/skills: no rule asks for german and billing: whoever has them is not asked any sooner"
    ]


def test_what_is_stored_holds_whatever_a_review_would_say() -> None:
    assert len(to_configuration(1, conditions(HIGH, HIGH)).policy.rules) == 3


def german(level: int, **more: Any) -> dict[str, Any]:
    """A rule that asks for German."""
    return {"when": GOLD, "skills": {"german": level}, **more}


@pytest.mark.parametrize(
    ("part", "warning"),
    [
        (
            a_part(german(4)),
            "/policy/rules/0: nobody can ever serve rule r0: of 2 agents in queue general who may be asked"
            " otherwise none has german at 4, the best has 3; lower it to 3, or train somebody",
        ),
        (
            a_part(german(4, steps=[{"after": "10m", "lower": {"german": 3}}])),
            "/policy/rules/0: nobody can serve rule r0 until its step 1 opens after 10 minutes, then 1 agent can:"
            " of 2 agents in queue general who may be asked otherwise none has german at 4, the best has 3;"
            " lower it to 3, or train somebody",
        ),
        (
            a_part(german(1, queue="billing", steps=[{"after": "10m", "lower": {"german": 1}}])),
            "/policy/rules/0: nobody can ever serve rule r0 even after its last step: of 1 agent in queue billing"
            " who may be asked otherwise none has german; drop it, or train somebody",
        ),
        (
            a_part({"when": GOLD, "support_tier": 2}),
            "/policy/rules/0: nobody can ever serve rule r0: of 2 agents in queue general none is of tier 2;"
            " ask for another, or add somebody",
        ),
        (
            a_part(german(3, steps=[{"after": "10m", "lower": {"german": 3}}])),
            "/policy/rules/0/steps/0: step 1 of rule r0 changes nothing: it asks for what was asked for before;"
            " remove it, or say what it loosens",
        ),
        (
            a_part({"when": GOLD, "split": [{"weight": 1}, {"weight": 2, "skills": {"german": 5}}]}),
            "/policy/rules/0/split/1: nobody can ever serve rule r0: of 2 agents in queue general who may be asked"
            " otherwise none has german at 5, the best has 3; lower it to 3, or train somebody",
        ),
        (
            a_part(german(3), queues=[{"id": "general"}, {"id": "billing"}, {"id": "empty"}]),
            "/queues/2: nobody serves queue empty: add it to an agent's queues, or remove it",
        ),
        (
            a_part(german(3), skills=["german", "billing", "french"]),
            "/skills/2: nobody has the skill french: give it to an agent, or remove it",
        ),
        (
            a_part(german(3)),
            "/skills: no rule asks for billing: whoever has them is not asked any sooner",
        ),
        (
            a_part(german(3), agents=[*AGENTS, {"id": "eve", "queues": ["billing"]}]),
            "/agents: no rule ever asks eve: only transfers and escalations bring them work; if that is not meant,"
            " look at their queues, tiers and skills",
        ),
    ],
)
def test_what_depends_on_who_works_here_is_said_and_not_refused(part: RouterPart, warning: str) -> None:
    assert warning in check(part)


def test_a_workspace_without_anybody_is_told_nothing_about_staff() -> None:
    assert check(a_part(german(4), agents=[])) == []


def test_the_review_knows_every_field_that_conditions_may_read() -> None:
    paths = {(variable, name) for variable, names in FIELDS.items() for name in names}
    known = {*VOCABULARY.fields, *VOCABULARY.entries, *VOCABULARY.same}
    assert {path for path in paths if path not in known} == set()


def test_a_thousand_rules_for_ten_thousand_agents_are_looked_through_in_seconds() -> None:
    rules = [
        german(5, when=f'ticket.labels.plan == "{number}"', steps=[{"after": "1m", "drop": ["german"]}])
        for number in range(1000)
    ]
    agents = [{"id": f"a{number}", "queues": ["general"], "skills": {"german": 4}} for number in range(10_000)]
    part = a_part(*rules, agents=agents)
    began = process_time()
    assert len(check(part)) == 101
    assert process_time() - began < 10, "seconds of the processor"


def test_whoever_is_preferred_and_could_never_have_it_is_warned_of() -> None:
    rule = {"when": GOLD, "queue": "billing", "preferred_agent": {"agent": "ann"}}
    assert (
        "/policy/rules/0/preferred_agent/agent: ann could never have what rule r0 asks for: look at their queues,"
        " tier, skills and teams, or prefer somebody else"
    ) in check(a_part(rule))
    assert not any("preferred_agent" in one for one in check(a_part({**rule, "queue": "general"})))


def test_a_step_that_only_makes_work_more_pressing_is_no_idle_step() -> None:
    steps = [{"after": "30s", "raise_by": 1}, {"after": "45s", "expedite": True}, {"after": "60s"}]
    warned = [one for one in check(a_part({"when": GOLD, "steps": steps})) if "changes nothing" in one]
    assert [one.partition(":")[0] for one in warned] == ["/policy/rules/0/steps/2"]
