"""Rows that a process of the version before has written."""

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
    row = rows.ticket_row(ticket, is_live=True)
    state = row["state"]
    assert isinstance(state, dict)
    assert rows.to_ticket(row) == ticket  # type: ignore[arg-type] # what is read of a row is its state
    older = {**{name: value for name, value in state.items() if name != "policies"}, "policy": "gold"}
    assert rows.to_ticket({"state": older}) == ticket  # type: ignore[arg-type] # as above
