"""Cursors are ours or refused."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.http.pagination import decode_cursor, decode_id, encode_cursor, page


@given(st.text(), st.integers(-(2**62), 2**62))
def test_a_cursor_comes_back_as_it_was_made(word: str, number: int) -> None:
    if "\0" not in word:
        assert decode_cursor(encode_cursor((word, number)), str, int) == (word, number)


@given(st.text(max_size=200))
def test_whatever_else_comes_is_refused_and_nothing_worse(cursor: str) -> None:
    try:
        decode_cursor(cursor, str, int)
    except InvalidInput:
        return


@pytest.mark.parametrize(
    "cursor", [encode_cursor(("a",)), encode_cursor((1, 2)), encode_cursor(("a", True)), "W10"]
)
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(cursor, str, int)


@given(st.uuids())
def test_a_cursor_of_an_id_is_the_id(known: UUID) -> None:
    assert decode_id(encode_cursor((str(known),))) == known


@pytest.mark.parametrize("key", [("a",), (7,), ("a", "b")])
def test_a_cursor_of_no_id_is_refused(key: tuple[str | int, ...]) -> None:
    assert decode_id(None) is None
    with pytest.raises(InvalidInput):
        decode_id(encode_cursor(key))


def test_the_last_page_has_no_cursor() -> None:
    rows = [1, 2, 3]
    assert page(rows, 3, lambda row: (row,), str).next_cursor is None
    assert page(rows, 2, lambda row: (row,), str).items == ["1", "2"]
    assert decode_cursor(page(rows, 2, lambda row: (row,), str).next_cursor, int) == (2,)
