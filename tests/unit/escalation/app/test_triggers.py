"""What triggers have to keep to, and what is made of them."""

from typing import Any

import pytest

from services.escalation.domain import trigger as t
from shared.vocabulary import SlaMetric, SurveyKind
from tests.unit.escalation.app.test_configuration_rules import CHAIN, RAISE, checked, compiled, pointers

TOP = "/escalation_triggers/0"
TELL = {"id": "tell", "steps": [{"notify": {"emails": ["a@example.org"]}}]}


def part(*triggers: dict[str, Any]) -> dict[str, Any]:
    named = [{"id": f"t{index}", "escalation": "tell", **trigger} for index, trigger in enumerate(triggers)]
    return {"escalation_policies": [CHAIN, TELL], "escalation_triggers": named}


@pytest.mark.parametrize(
    ("trigger", "pointer"),
    [
        ({}, TOP),
        ({"opened": True, "reopened": {}}, TOP),
        ({"opened": True, "escalation": "nothing"}, f"{TOP}/escalation"),
        ({"opened": True, "when": "ticket.colour == 'red'"}, f"{TOP}/when"),
        ({"queue_length": {"queue": "q", "more_than": 3}, "when": "customer.tier == 'gold'"}, f"{TOP}/when"),
        ({"oldest_waiting": {"queue": "q", "longer_than": "0s"}}, f"{TOP}/oldest_waiting/longer_than"),
        ({"oldest_waiting": {"queue": "q", "longer_than": "367d"}}, f"{TOP}/oldest_waiting/longer_than"),
    ],
)
def test_a_broken_rule_is_named_where_it_stands(trigger: dict[str, Any], pointer: str) -> None:
    assert pointers(**part(trigger)) == [pointer]


def test_an_id_stands_once() -> None:
    assert pointers(**part({"id": "x", "opened": True}, {"id": "x", "opened": True})) == [
        "/escalation_triggers/1/id"
    ]


def test_every_sign_is_compiled() -> None:
    policies = compiled(
        **part(
            {"warned": {"metrics": ["first_reply"], "at_percent": 80}},
            {"breached": {}},
            {"opened": True},
            {"labelled": {"label": "mood", "value": "angry"}},
            {"rated": {"at_most_percent": 40, "survey": "nps"}},
            {"reopened": {"times": 3}},
            {"queue_length": {"queue": "q", "more_than": 3}},
            {"oldest_waiting": {"queue": "q", "longer_than": "1h"}},
            {"kpi_alert": {"kpi": "sla_attainment"}},
        )
    )
    assert [trigger.name for trigger in policies.triggers] == [
        "sla.warned",
        "sla.breached",
        "opened",
        "labelled",
        "rated",
        "reopened",
        "queue_length",
        "oldest_waiting",
        "kpi_alert",
    ]
    signs = [trigger.sign for trigger in policies.triggers]
    assert signs[0] == t.Warned(metrics=frozenset({SlaMetric.FIRST_REPLY}), at_percent=80)
    assert signs[4] == t.Rated(at_most_percent=40, survey=SurveyKind.NPS)


def test_steps_that_can_do_nothing_are_warned_of() -> None:
    full = {"queue_length": {"queue": "q", "more_than": 3}}
    assert RAISE in CHAIN["steps"]
    (warning,) = checked(**part({**full, "escalation": "chain"}, full, {"opened": True, "escalation": "chain"}))
    assert warning.startswith("/escalation_triggers/0/escalation: ")
