"""Tokens of links."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.link_tokens import LinkTokens

TOKENS = LinkTokens(b"secret", "survey")


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True), st.uuids())
def test_a_token_names_its_subject(workspace_id: str, subject_id: UUID) -> None:
    token = TOKENS.issue(workspace_id, subject_id)
    assert TOKENS.read(token) == (workspace_id, subject_id)
    assert LinkTokens(b"other", "survey").read(token) is None
    assert LinkTokens(b"secret", "work-order").read(token) is None
    assert len(token) <= 200
    assert token.replace("-", "").replace("_", "").isalnum()


@given(st.integers(min_value=0, max_value=60), st.integers(min_value=1, max_value=255))
def test_no_other_token_is_good(at: int, change: int) -> None:
    token = TOKENS.issue("acme-industries", UUID(int=1))
    changed = token[: at % len(token)] + chr((ord(token[at % len(token)]) + change) % 256) + token[at + 1 :]
    assert changed == token or TOKENS.read(changed) in (None, TOKENS.read(token))


@pytest.mark.parametrize(
    "text", ["", "x", "\0", "é", "=" * 50, "A" * 300, "A" * 64, "\ud800", f"{TOKENS.issue('acme', UUID(int=1))}="]
)
def test_any_other_text_is_no_token(text: str) -> None:
    assert TOKENS.read(text) is None
