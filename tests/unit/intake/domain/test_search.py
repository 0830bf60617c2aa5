"""Which words a text is found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.search import MAX_WORD, words_of, words_to_find


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The ORDER is late", "order"),
        ("Ein Café in der Großen Straße", "cafe strasse"),
        ("naïve façade", "naive facade"),
        ("ＦＵＬＬ ｗｉｄｔｈ", "full width"),
        ("Привет, мир!", "ПРИВЕТ"),
        ("Γειά σου ΚΌΣΜΕ", "γεια κοσμε"),
        ("注文番号12がまだ届かない", "注文番号"),
        ("注文番号12がまだ届かない", "届"),
        ("我的订单在哪里", "订单"),
        ("สวัสดีครับ", "สวัสดี"),
        ("내 주문이 늦어요", "주문이"),
        ("नमस्ते दुनिया", "नमस्ते"),
        ("שלום עולם", "שלום"),
        ("أين طلبي؟", "طلبي"),
        ("write to ada@example.org", "ada@example.org"),
        ("foo_bar-baz", "foo bar baz"),
        ("order no. 4711", "4711"),
    ],
)
def test_a_text_is_found_by_its_words_in_any_language(text: str, query: str) -> None:
    assert words_to_find(query)
    assert words_to_find(query) <= words_of(text)


@pytest.mark.parametrize(
    ("text", "query"),
    [("The order is late", "orders"), ("注文番号", "番注"), ("one two", "one three")],
)
def test_a_text_is_not_found_by_what_it_does_not_say(text: str, query: str) -> None:
    assert not words_to_find(query) <= words_of(text)


@given(st.text(max_size=200))
def test_every_text_is_found_by_itself(text: str) -> None:
    assert words_to_find(text) <= words_of(text)


@given(st.text(max_size=200), st.text(max_size=200))
def test_words_can_be_listed_with_spaces_between_them(one: str, other: str) -> None:
    for word in words_of(one, other):
        assert word
        assert not any(character.isspace() for character in word)
        assert "\0" not in word
        assert len(word) <= MAX_WORD
