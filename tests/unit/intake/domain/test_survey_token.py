"""Tokens of surveys."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.survey_token import issue, read
from tests.unit.intake.builders import an_id

SECRET = b"secret"


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True), st.uuids())
def test_a_token_names_its_ticket(workspace_id: str, ticket_id: UUID) -> None:
    token = issue(SECRET, workspace_id, ticket_id)
    assert read(SECRET, token) == (workspace_id, ticket_id)
    assert read(b"other", token) is None
    assert len(token) <= 200
    assert token.replace("-", "").replace("_", "").isalnum()


@given(st.integers(min_value=0, max_value=60), st.integers(min_value=1, max_value=255))
def test_no_other_token_is_good(at: int, change: int) -> None:
    token = issue(SECRET, "acme-industries", an_id(1))
    changed = token[: at % len(token)] + chr((ord(token[at % len(token)]) + change) % 256) + token[at + 1 :]
    assert changed == token or read(SECRET, changed) in (None, read(SECRET, token))


@pytest.mark.parametrize("text", ["", "x", "\0", "é", "=" * 50, "A" * 300, "A" * 64, "\ud800"])
def test_any_other_text_is_no_token(text: str) -> None:
    assert read(SECRET, text) is None
