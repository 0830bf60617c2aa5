"""What chains have to keep to, and what is made of them."""

from datetime import timedelta
from typing import Any

import pytest

from services.escalation.domain.escalation_policy import Gate, Often, Repeat, Wait
from tests.unit.escalation.app.test_configuration_rules import OFFICE, RAISE, checked, compiled, pointers

WAIT = {"wait": "1h"}
TOP = "/escalation_policies/0"


def chain(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"calendars": [OFFICE], "escalation_policies": [{"id": "c", "steps": list(steps), **fields}]}


def gated(**gate: Any) -> dict[str, Any]:
    return {**RAISE, "only_if": gate}


@pytest.mark.parametrize(
    ("part", "pointer"),
    [
        (chain(RAISE, ack_timeout="0s"), f"{TOP}/ack_timeout"),
        (chain(RAISE, ack_timeout="31d"), f"{TOP}/ack_timeout"),
        (chain({**WAIT, "calendar": "officee"}, RAISE), f"{TOP}/steps/0/calendar"),
        (chain(gated()), f"{TOP}/steps/0/only_if"),
        (chain(gated(within="x")), f"{TOP}/steps/0/only_if/within"),
        (chain(gated(outside="x")), f"{TOP}/steps/0/only_if/outside"),
        (chain(gated(more_than={"count": 2, "per": "31d"})), f"{TOP}/steps/0/only_if/more_than/per"),
        (chain(RAISE, {"repeat": {}}), f"{TOP}/steps/1/repeat"),
        (chain(RAISE, WAIT, {"repeat": {"from_step": 3}}), f"{TOP}/steps/2/repeat/from_step"),
        (
            chain(RAISE, WAIT, {"repeat": {}}, RAISE, WAIT, {"repeat": {"from_step": 3}}),
            f"{TOP}/steps/5/repeat/from_step",
        ),
        (chain(WAIT, {"repeat": {}}), f"{TOP}/steps"),
    ],
)
def test_a_broken_rule_is_named_where_it_stands(part: dict[str, Any], pointer: str) -> None:
    assert pointers(**part) == [pointer]


def test_a_chain_is_compiled_with_the_calendars_of_its_version() -> None:
    part = chain(
        {**WAIT, "calendar": "office"},
        gated(unassigned=True, within="office", more_than={"count": 3}),
        WAIT,
        {"repeat": {"times": 2, "from_step": 2}},
        ack_timeout="5m",
    )
    assert checked(**part) == []
    policies = compiled(**part)
    office, policy = policies.calendars["office"], policies.escalations["c"]
    wait, gate, _, repeat = policy.steps
    assert wait == Wait(duration=timedelta(hours=1), calendar=office)
    often = Often(count=3, per=timedelta(hours=1))
    assert not isinstance(gate, Wait)
    assert gate.only_if == Gate(is_unassigned=True, within=office, more_than=often)
    assert repeat == Repeat(times=2, first=1)
    assert policy.ack_timeout == timedelta(minutes=5)
