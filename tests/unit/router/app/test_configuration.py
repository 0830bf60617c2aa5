"""What a configuration of the router has to keep to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.router.app.agent_parts import AgentPart
from services.router.app.configuration import MOST_AGENTS, RouterPart, check, to_configuration
from services.router.domain.policy import relaxed
from shared.errors import InvalidInput

_COSTLY = "ticket.labels.all(a, ticket.labels.all(b, ticket.labels.all(c, true)))"


def test_what_a_condition_may_cost_is_asked_of_who_writes_it_and_not_of_what_is_stored() -> None:
    part = RouterPart.model_validate({"policy": {"rules": [{"id": "any", "when": _COSTLY, "queue": "default"}]}})
    with pytest.raises(InvalidInput) as refused:
        check(part)
    assert [pointer for pointer, _ in refused.value.problems] == ["/policy/rules/0/when"]
    assert [rule.rule_id for rule in to_configuration(1, part).policy.rules] == ["any", "default"]


def test_many_costly_conditions_are_too_costly_together() -> None:
    when = 'ticket.labels.exists(a, ticket.labels.exists(b, a + b == "{}"))'
    rules = [{"id": f"r{number}", "when": when.format(number), "queue": "default"} for number in range(200)]
    part = RouterPart.model_validate({"policy": {"rules": rules}})
    with pytest.raises(InvalidInput) as refused:
        check(part)
    ((pointer, problem),) = refused.value.problems
    assert pointer == "/policy/rules"
    assert "together" in problem
    assert len(to_configuration(1, part).policy.rules) == 201


def test_what_was_stored_holds_although_a_rule_of_today_refuses_it() -> None:
    part = RouterPart.model_validate({"queues": [{"id": "default", "wrap_up": "2d"}]})
    with pytest.raises(InvalidInput):
        to_configuration(1, part)
    assert to_configuration(1, part, is_stored=True).queues["default"].wrap_up == timedelta(days=2)


@pytest.mark.parametrize(
    "when",
    [
        'ticket.labels.calendar.contains("x")',
        'ticket.labels.product == "calendar.app"',
        "calendar.exists(name, calendar[name])",
    ],
)
def test_only_a_calendar_is_taken_for_one(when: str) -> None:
    rule = {"id": "any", "when": when, "queue": "default"}
    to_configuration(1, RouterPart.model_validate({"policy": {"rules": [rule]}}))


def test_calendars_and_time_zone_reach_what_decides() -> None:
    part = RouterPart.model_validate(
        {
            "time_zone": "Europe/Berlin",
            "calendars": [{"id": "office", "time_zone": "Europe/Berlin", "weekly": {"mon": ["09:00-17:00"]}}],
        }
    )
    decides = to_configuration(1, part)
    monday = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert decides.time_zone == "Europe/Berlin"
    assert decides.calendar("office").elapsed(monday, monday.replace(hour=20)).total_seconds() == 8 * 3600
    assert decides.calendar(None).is_always_open


def test_a_broken_calendar_is_refused_with_its_place() -> None:
    part = RouterPart.model_validate(
        {
            "time_zone": "Mars/Olympus",
            "calendars": [
                {"id": "office", "time_zone": "Europe/Berlin"},
                {"id": "office", "time_zone": "nowhere"},
            ],
        }
    )
    with pytest.raises(InvalidInput) as refused:
        check(part)
    assert [pointer for pointer, _ in refused.value.problems] == ["/time_zone", "/calendars/1/id", "/calendars/1"]


@pytest.mark.parametrize(
    ("queue", "problem"),
    [
        (
            {"ranking": "score"},
            "say what agents are ranked by, or choose another ranking",
        ),
        ({"score": "1"}, "read with `ranking: score` only"),
        (
            {"ranking": "score", "score": "agent.idle"},
            "agent has no field 'idle'; there are capacity, load, skills, teams, tier",
        ),
        (
            {"ranking": "score", "score": 'has(agent.skills.germn) ? agent.skills["germn"] : 0'},
            "there is no skill germn; did you mean german?",
        ),
        ({"ranking": "score", "score": "ticket.labels"}, "unknown variable 'ticket'; there are agent, work"),
        (
            {"ranking": "score", "score": "agent.teams.all(a, agent.teams.all(b, a == b)) ? 1 : 0"},
            "may take 40202 steps, going through lists or joining texts; 3000 are allowed",
        ),
    ],
)
def test_a_score_is_refused_with_what_to_write_instead(queue: dict[str, str], problem: str) -> None:
    part = RouterPart.model_validate({"skills": ["german"], "queues": [{"id": "default", **queue}]})
    with pytest.raises(InvalidInput) as refused:
        check(part)
    assert refused.value.problems == (("/queues/0/score", problem),)


def test_whom_a_rule_asks_for_is_checked_and_reaches_what_decides() -> None:
    rule = {
        "id": "bills",
        "when": "true",
        "queue": "default",
        "skills": {"billing": 2},
        "preferred": {"billing": 4, "french": 1},
        "without": ["trainee"],
        "teams": ["south", "north", "south"],
        "steps": [{"after": "30s", "drop": ["trainee"], "lower": {"billing": 3}, "any_team": True}],
    }
    part = {"skills": ["billing", "french", "trainee"], "teams": ["north", "south"], "policy": {"rules": [rule]}}
    decides = to_configuration(1, RouterPart.model_validate(part)).policy.rules[0]
    assert decides.requirements.preferred == (("billing", 4), ("french", 1))
    assert (decides.requirements.without, decides.requirements.teams) == (("trainee",), ("north", "south"))
    assert relaxed(decides.requirements, decides.steps) == replace(
        decides.requirements, preferred=(("billing", 3), ("french", 1)), without=(), teams=()
    )


def test_whom_a_rule_cannot_ask_for_is_refused_with_its_place() -> None:
    rule = {
        "id": "bills",
        "when": "true",
        "queue": "default",
        "skills": {"billing": 2},
        "preferred": {"billing": 2, "latin": 1},
        "without": ["billing", "greek"],
        "teams": ["east"],
        "steps": [{"after": "30s", "drop": ["french"], "lower": {"billing": 3}}],
    }
    part = RouterPart.model_validate({"skills": ["billing", "french"], "policy": {"rules": [rule]}})
    with pytest.raises(InvalidInput) as refused:
        check(part)
    assert refused.value.problems == (
        ("/policy/rules/0/preferred", "there is no skill latin"),
        ("/policy/rules/0/without", "there is no skill greek"),
        ("/policy/rules/0/teams", "there is no team east"),
        (
            "/policy/rules/0/preferred/billing",
            "required already: prefer a higher level, or leave it out",
        ),
        ("/policy/rules/0/without/0", "asked for as well: nobody has a skill and has it not"),
        ("/policy/rules/0/steps/0/drop", "there is no skill of this rule french"),
        ("/policy/rules/0/steps/0/lower/billing", "higher than before: a step only loosens"),
    )


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("calendar.office && !calendar.night", "there is no calendar night"),
        ('calendar["head-office"] || calendar["back-office"]', "there is no calendar back-office"),
        ("calendar.head-office", 'there is no calendar head; names with "-" are written calendar["a-b"]'),
        ("time.day == 1", "time has no field 'day'; there are date, hour, minute_of_day, weekday"),
    ],
)
def test_a_condition_reads_calendars_that_are_there(when: str, problem: str) -> None:
    calendars = [{"id": name, "time_zone": "UTC"} for name in ("office", "head-office")]
    part = RouterPart.model_validate(
        {"calendars": calendars, "policy": {"rules": [{"id": "any", "when": when, "queue": "default"}]}}
    )
    with pytest.raises(InvalidInput) as refused:
        check(part)
    assert refused.value.problems == (("/policy/rules/0/when", problem),)


def test_an_agent_has_ranks_only_in_queues_of_theirs() -> None:
    ann = {"id": "ann", "queues": ["default"], "ranks": {"default": 1, "other": 2}}
    part = RouterPart.model_validate({"queues": [{"id": "default"}, {"id": "other"}], "agents": [ann]})
    with pytest.raises(InvalidInput) as refused:
        check(part)
    assert refused.value.problems == (("/agents/0/ranks", "there is no queue of this agent other"),)


def test_what_is_skipped_is_what_stands_before_a_step() -> None:
    steps = [{"after": "30s", "raise_by": 1}, {"after": "60s", "skip_if": "nobody_ready"}, {"after": "90s"}]
    rule = {"id": "any", "when": "true", "queue": "default", "skip_if": "nobody_ready", "steps": steps}
    decides = to_configuration(1, RouterPart.model_validate({"policy": {"rules": [rule]}})).policy.rules[0]
    assert [(step.opens_early, step.raise_by) for step in decides.steps] == [(True, 1), (False, 0), (True, 0)]


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"skip_if": "nobody_ready"}, "/policy/default/skip_if"),
        ({"steps": [{"after": "30s", "skip_if": "nobody_ready"}]}, "/policy/default/steps/0/skip_if"),
    ],
)
def test_nothing_is_skipped_where_no_step_follows(rule: dict[str, object], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(RouterPart.model_validate({"policy": {"default": rule}}))
    assert refused.value.problems == ((pointer, "no step comes after it: add one, or leave this out"),)


def test_a_share_differs_from_its_rule_in_what_it_says() -> None:
    split = [{"weight": 70}, {"weight": 30, "queue": "away", "skills": {}}]
    rule = {"id": "any", "when": "true", "queue": "default", "skills": {"billing": 2}, "split": split}
    part = {"skills": ["billing"], "queues": [{"id": "default"}, {"id": "away"}], "policy": {"rules": [rule]}}
    decides = to_configuration(1, RouterPart.model_validate(part)).policy.rules[0]
    assert [(share.weight, share.requirements.queue, share.requirements.skills) for share in decides.shares] == [
        (70, "default", (("billing", 2),)),
        (30, "away", ()),
    ]


def test_what_a_share_asks_for_is_checked_with_its_place() -> None:
    split = [{"weight": 1, "queue": "nowhere"}, {"weight": 2, "skills": {"latin": 1}, "teams": ["east"]}]
    steps = [{"after": "30s", "lower": {"billing": 3}}]
    rule = {"queue": "default", "skills": {"billing": 2}, "split": split, "steps": steps}
    with pytest.raises(InvalidInput) as refused:
        check(RouterPart.model_validate({"skills": ["billing"], "policy": {"default": rule}}))
    assert refused.value.problems == (
        ("/policy/default/split/0/queue", "there is no queue nowhere"),
        ("/policy/default/split/1/skills", "there is no skill latin"),
        ("/policy/default/split/1/teams", "there is no team east"),
        ("/policy/default/steps/0/lower/billing", "higher than before: a step only loosens"),
    )


def test_one_share_alone_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        check(RouterPart.model_validate({"policy": {"default": {"split": [{"weight": 1}]}}}))
    assert refused.value.problems == (("/policy/default/split", "two shares or more: one alone divides nothing"),)


def test_a_queue_that_keeps_all_its_agents_is_warned_of() -> None:
    agents = [{"id": name, "queues": ["vip", "default"]} for name in ("ann", "bob")]
    queues = [{"id": "default"}, {"id": "vip", "reserve": 2}]
    part = {"agents": agents, "queues": queues}
    assert check(RouterPart.model_validate(part)) == ["/queues/1: vip keeps 2 agents and has 2: others get none"]
    agents.append({"id": "cid", "queues": ["vip", "default"]})
    assert check(RouterPart.model_validate(part)) == []


@pytest.mark.parametrize(
    ("preferred", "problem"),
    [
        ({}, ("", "say one of `agent`, `label` and `last: true`")),
        ({"label": "owner", "last": True}, ("", "say one of `agent`, `label` and `last: true`")),
        ({"agent": "zoe"}, ("/agent", "there is no agent zoe")),
        ({"last": True, "wait": "25h"}, ("/wait", "a day at most: nobody else is asked meanwhile")),
    ],
)
def test_who_is_preferred_is_named_in_one_way(preferred: dict[str, object], problem: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(RouterPart.model_validate({"policy": {"default": {"preferred_agent": preferred}}}))
    assert refused.value.problems == ((f"/policy/default/preferred_agent{problem[0]}", problem[1]),)


def test_who_is_preferred_and_how_long_reopened_tickets_wait_reaches_what_decides() -> None:
    preferred = {"label": "owner", "wait": "30s", "ignore_capacity": True}
    policy = {"default": {"preferred_agent": preferred}, "reopened_wait": "2m"}
    decides = to_configuration(1, RouterPart.model_validate({"policy": policy})).policy
    assert decides.reopened_wait.total_seconds() == 120
    wish = decides.rules[0].preference
    assert wish is not None
    assert (wish.label, wish.wait.total_seconds(), wish.ignores_capacity) == ("owner", 30, True)


def test_under_another_number_it_decides_the_same() -> None:
    part = RouterPart.model_validate({"agents": [{"id": "ann"}]})
    assert to_configuration(0, part).as_version(7) == to_configuration(7, part)


def test_an_agent_without_limits_of_their_own_shares_the_workspace_s() -> None:
    part = {"agents": [{"id": "ann"}, {"id": "bob"}, {"id": "eve", "limits": {"chat": {"cost": 1, "most": 2}}}]}
    ann, bob, eve = to_configuration(1, RouterPart.model_validate(part)).agents.values()
    assert ann.limits is bob.limits
    assert eve.limits != ann.limits


def test_more_agents_than_can_be_read_again_are_refused_also_in_a_copy_that_nobody_validated() -> None:
    crowd = tuple(AgentPart(id=f"agent-{number}") for number in range(MOST_AGENTS + 1))
    part = RouterPart().model_copy(update={"agents": crowd[:-1]})
    assert len(to_configuration(1, part).agents) == MOST_AGENTS
    with pytest.raises(InvalidInput) as refused:
        to_configuration(1, part.model_copy(update={"agents": crowd}))
    assert refused.value.problems == (("/agents", "at most 20000"),)


def test_feeds_are_warned_of_where_nobody_fetches_them() -> None:
    calendars = [
        {"id": name, "time_zone": "UTC", "weekly": {"mon": ["09:00-17:00"]}, "feeds": feeds}
        for name, feeds in (("fed", [{"url": "https://x.example/f.ics"}]), ("plain", []))
    ]
    queues = [{"id": "default", "hours": "fed"}, {"id": "other", "hours": "plain"}]
    agents = [{"id": "ada", "queues": ["default", "other"], "shifts": "fed"}]
    part = RouterPart.model_validate({"calendars": calendars, "queues": queues, "agents": agents})
    assert [warning.partition(": ")[0] for warning in check(part)] == ["/queues/0/hours", "/agents/0/shifts"]
