"""Rows that a process of the version before has written."""

import json
from dataclasses import replace

from services.escalation.adapters import rows
from services.escalation.domain.ticket import Ticket
from shared.vocabulary import Agreement
from tests.unit.escalation.builders import a_ticket, facts


def test_a_ticket_of_the_version_before_keeps_its_policy() -> None:
    ticket = Ticket(
        workspace_id="acme",
        ticket_id=a_ticket().ticket_id,
        facts=facts(),
        policies={Agreement.SLA: "gold"},
        policy_version=3,
    )
    state = rows.ticket_row(ticket, is_live=True)["state"]
    assert isinstance(state, dict)
    assert rows.to_ticket(json.dumps(state)) == ticket
    older = {**{name: value for name, value in state.items() if name != "policies"}, "policy": "gold"}
    assert rows.to_ticket(json.dumps(older)) == ticket


def test_a_label_of_that_name_is_no_policy() -> None:
    ticket = replace(a_ticket(), facts=facts(labels={"policy": "gold"}), policies={Agreement.SLA: "silver"})
    assert rows.to_ticket(json.dumps(rows.ticket_row(ticket, is_live=True)["state"])) == ticket
