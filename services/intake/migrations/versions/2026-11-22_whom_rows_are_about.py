"""What is about a person is found without a look at everything else."""

from alembic import op

from shared.db.fences import fence

revision = "2026_11_22_whom_rows_are_about"
down_revision = "2026_11_22_whom_raws_are_about"

_TABLES = """
CREATE INDEX message_by_customer ON message (workspace_id, customer_id);
CREATE INDEX customer_merged ON customer (workspace_id, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX raw_by_ticket ON raw (workspace_id, ticket_id);
CREATE INDEX raw_by_message ON raw (workspace_id, message_id);
CREATE INDEX raw_unread ON raw (workspace_id, raw_id) WHERE state = 'received';
CREATE INDEX participant_by_ticket ON participant (workspace_id, ticket_id);
CREATE INDEX call_by_caller ON call (workspace_id, caller);
CREATE INDEX chat_conversation_by_visitor ON chat_conversation (workspace_id, identity_kind, identity_value);
CREATE INDEX idempotency_of_the_staff ON idempotency (workspace_id)
    WHERE route NOT IN ('POST /v1/messages', 'POST /v1/messages/batch');
CREATE TABLE raw_person (
    workspace_id text NOT NULL,
    address text NOT NULL,
    raw_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, address, raw_id)
);
CREATE INDEX raw_person_by_raw ON raw_person (workspace_id, raw_id);
ALTER TABLE raw NO FORCE ROW LEVEL SECURITY;
INSERT INTO raw_person SELECT workspace_id, address, raw_id FROM (
    SELECT workspace_id, lower(sender) AS address, raw_id FROM raw WHERE state <> 'erased'
    UNION SELECT workspace_id, jsonb_array_elements_text(people), raw_id FROM raw) AS known
    WHERE length(address) BETWEEN 1 AND 500;
ALTER TABLE raw FORCE ROW LEVEL SECURITY;
ALTER TABLE raw DROP people
"""


def upgrade() -> None:
    for statement in _TABLES.split(";"):
        op.execute(statement)
    for statement in fence("raw_person"):
        op.execute(statement)
