"""What a configuration of the router has to keep to."""

import pytest

from services.router.app.configuration import RouterPart, check, to_configuration
from shared.errors import InvalidInput

_COSTLY = "ticket.labels.all(a, ticket.labels.all(b, ticket.labels.all(c, true)))"


def test_what_a_condition_may_cost_is_asked_of_who_writes_it_and_not_of_what_is_stored() -> None:
    part = RouterPart.model_validate({"policy": {"rules": [{"id": "any", "when": _COSTLY, "queue": "default"}]}})
    with pytest.raises(InvalidInput) as refused:
        check(part)
    assert [pointer for pointer, _ in refused.value.problems] == ["/policy/rules/0/when"]
    assert [rule.rule_id for rule in to_configuration(1, part).policy.rules] == ["any", "default"]
