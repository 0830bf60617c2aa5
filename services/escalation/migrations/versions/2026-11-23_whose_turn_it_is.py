"""What waits for somebody is found by whom it waits for.

Of what staff is told and of escalations no index but the key begins with the workspace.
"""

from alembic import op

revision = "2026_11_23_whose_turn_it_is"
down_revision = "2026_11_23_whose_holidays_come"

# A plan that is made while a table is empty takes any index that begins as the key does for as good (ADR 0009).
_INDEXES = """
DROP INDEX notification_by_message;
DROP INDEX notification_by_escalation;
DROP INDEX notification_by_ticket;
DROP INDEX notification_by_name;
DROP INDEX notification_once_instead;
DROP INDEX message_by_addressee;
DROP INDEX escalation_by_policy;
CREATE INDEX notification_by_addressee ON notification (address, way, workspace_id, send_at)
    WHERE send_at IS NOT NULL;
CREATE INDEX notification_by_message ON notification (message_id, workspace_id, notification_id);
CREATE INDEX notification_by_escalation ON notification (escalation_id, workspace_id, notification_id);
CREATE INDEX notification_by_ticket ON notification (ticket_id, workspace_id, notification_id);
CREATE INDEX notification_by_name ON notification (name, workspace_id, notification_id);
CREATE UNIQUE INDEX notification_once_instead ON notification (instead_of, workspace_id)
    WHERE instead_of IS NOT NULL;
CREATE INDEX message_by_addressee ON message (address, way, workspace_id, created_at);
CREATE INDEX message_waiting ON message (address, way, workspace_id, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
CREATE INDEX escalation_by_policy ON escalation (policy, workspace_id, started_at)
"""


def upgrade() -> None:
    for statement in _INDEXES.split(";"):
        op.execute(statement)
