import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.chat_frames import MOST_BYTES, MOST_CHARACTERS, Hello, Message, Unacceptable, parse


def test_a_frame_is_read() -> None:
    assert parse('{"type":"hello","public_key":"k"}') == Hello(type="hello", public_key="k")


def test_the_longest_message_fits_into_a_frame() -> None:
    text = "😀" * MOST_CHARACTERS
    frame = json.dumps({"type": "message", "client_message_id": "x" * 64, "text": text}, ensure_ascii=False)
    assert len(frame.encode()) <= MOST_BYTES
    assert isinstance(parse(frame), Message)
    assert parse(frame + " " * MOST_BYTES) is None


@pytest.mark.parametrize("text", ["", " ", "\0", "\ud800", "\x85", "x" * (MOST_CHARACTERS + 1), 1, None])
def test_a_message_that_nobody_can_take_is_known_by_its_id(text: object) -> None:
    frame = {"type": "message", "client_message_id": "m-1", "text": text}
    assert parse(json.dumps(frame)) == Unacceptable("m-1")
    assert parse(json.dumps({**frame, "client_message_id": "m 1"})) is None


def test_a_transcript_to_no_address_is_refused_too() -> None:
    frame = {"type": "transcript", "email": f"{'x' * 65}@example.org"}
    assert parse(json.dumps(frame)) == Unacceptable(about="transcript")


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.dictionaries(st.text(), inner)
    ).map(json.dumps)
)
def test_nothing_makes_reading_raise(text: str) -> None:
    parse(text)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["hello", "message", "typing", "received", "read", "transcript", "end", "ping"])},
        optional={
            name: st.none() | st.booleans() | st.integers() | st.floats() | st.text()
            for name in ("public_key", "text", "client_message_id", "up_to_seq", "email", "is_typing", "last_seq")
        },
    ).map(json.dumps)
)
def test_no_field_makes_reading_raise(text: str) -> None:
    parse(text)
