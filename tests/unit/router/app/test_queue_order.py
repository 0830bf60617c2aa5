"""A queue's order as it is written."""

from datetime import timedelta

import pytest

from services.router.app.configuration import RouterPart, check, to_configuration
from services.router.domain.order import Order, OrderBy
from shared.errors import InvalidInput


def test_a_queue_says_in_which_order_its_work_is_given_out() -> None:
    part = RouterPart.model_validate(
        {
            "queues": [
                {"id": "default"},
                {"id": "points", "order": "score", "priority_points": {"urgent": 120}},
                {"id": "ages", "order": "ageing", "ageing": "10m"},
            ]
        }
    )
    queues = to_configuration(1, part).queues
    assert queues["default"].order == Order()
    assert queues["points"].order == Order(by=OrderBy.SCORE, points=(120, 30, 10, 0))
    assert queues["ages"].order == Order(by=OrderBy.AGEING, ageing=timedelta(minutes=10))
    stored = RouterPart.model_validate(part.model_dump(mode="json"))
    assert to_configuration(1, stored).queues == queues


@pytest.mark.parametrize(
    ("queue", "pointer", "problem"),
    [
        ({"priority_points": {"urgent": 1}}, "/queues/0/priority_points", "read with `order: score` only"),
        ({"ageing": "10m"}, "/queues/0/ageing", "read with `order: ageing` only"),
        ({"order": "ageing", "ageing": "10s"}, "/queues/0/ageing", "between 1m and 30d"),
    ],
)
def test_what_an_order_does_not_read_is_refused(queue: dict[str, object], pointer: str, problem: str) -> None:
    part = RouterPart.model_validate({"queues": [{"id": "default", **queue}]})
    with pytest.raises(InvalidInput) as refused:
        check(part)
    assert refused.value.problems == ((pointer, problem),)


def test_rules_and_steps_expedite() -> None:
    steps = [{"after": "1m"}, {"after": "2m", "expedite": True}]
    rules = [{"id": "vip", "when": "true", "queue": "default", "expedite": True}]
    part = RouterPart.model_validate({"policy": {"rules": rules, "default": {"steps": steps}}})
    vip, default = to_configuration(1, part).policy.rules
    assert (vip.expedite, default.expedite) == (True, False)
    assert [step.expedite for step in default.steps] == [False, True]
