from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.chat_tokens import Resumption, issue, read
from tests.unit.intake.builders import an_id

SECRET = b"s" * 32
ISSUED = Resumption(an_id(1), an_id(2), 1000)


def test_a_token_names_what_it_was_issued_for_until_it_expires() -> None:
    token = issue(SECRET, "acme", "web", ISSUED)
    assert read(SECRET, "acme", "web", token, now=999) == ISSUED
    assert read(SECRET, "acme", "web", token, now=1000) is None


def test_a_token_is_worth_nothing_elsewhere() -> None:
    token = issue(SECRET, "acme", "web", ISSUED)
    assert read(b"t" * 32, "acme", "web", token, now=0) is None
    assert read(SECRET, "globex", "web", token, now=0) is None
    assert read(SECRET, "acme", "shop", token, now=0) is None


@given(st.text(max_size=200))
def test_no_other_text_is_a_token_and_none_raises(text: str) -> None:
    assert read(SECRET, "acme", "web", text, now=0) is None


@given(st.integers(0, 85), st.sampled_from("AZaz09-_"))
def test_no_character_of_a_token_can_be_changed(at: int, other: str) -> None:
    token = issue(SECRET, "acme", "web", ISSUED)
    changed = token[:at] + other + token[at + 1 :]
    # The last character of base64 may hold bits that mean nothing.
    if changed != token and at < len(token) - 1:
        assert read(SECRET, "acme", "web", changed, now=0) is None
