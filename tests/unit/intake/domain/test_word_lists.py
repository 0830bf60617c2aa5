import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.word_lists import found_in, word_list


@pytest.mark.parametrize(
    ("entry", "text", "found"),
    [
        ("refund", "I want a REFUND.", 1),
        ("refund", "It is refundable", 0),
        ("réclamation", "ma RECLAMATION", 1),
        ("money back", "Give me my money\nback!", 1),
        ("money back", "back my money", 0),
        ("返金", "商品を返金してください", 1),
        ("返金", "返送の料金", 0),
        ("ｒｅｆｕｎｄ", "refund", 1),
        ("!!!", "!!!", 0),
    ],
)
def test_an_entry_stands_where_its_words_follow_each_other(entry: str, text: str, found: int) -> None:
    assert found_in({"it": word_list([entry])}, text) == {"it": found}


def test_each_entry_counts_once_however_often_it_stands() -> None:
    lists = {"it": word_list(["a", "b", "c d"]), "none": word_list([])}
    assert found_in(lists, "a a b", "c d c d") == {"it": 3, "none": 0}


@given(st.lists(st.text(max_size=20), max_size=5), st.text(max_size=50))
def test_whatever_stands_in_a_list_is_found_in_itself(entries: list[str], text: str) -> None:
    made = word_list(entries)
    assert found_in({"it": made}, "\n".join(entries), text)["it"] == sum(
        map(len, (made.words, made.phrases, made.pieces))
    )
