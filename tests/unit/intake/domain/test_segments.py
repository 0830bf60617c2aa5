"""How texts are cut, by the tables of TS 23.038."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.segments import Encoding, segments

GSM_7, UCS_2 = Encoding.GSM_7, Encoding.UCS_2


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", GSM_7, 1),
        ("a" * 160, GSM_7, 1),
        ("a" * 161, GSM_7, 2),
        ("a" * 306, GSM_7, 2),
        ("a" * 307, GSM_7, 3),
        ("a" * 1530, GSM_7, 10),
        ("a" * 1531, GSM_7, 11),
        ("äöüÄÖÜß Ω à@£$\n", GSM_7, 1),
        # Characters of the extension table count two.
        ("€" * 80, GSM_7, 1),
        ("€" * 80 + "a", GSM_7, 2),
        # 152 and a pair do not fit in 153, and the pair is not cut: the second part has 2 + 151.
        ("a" * 152 + "€" + "a" * 151, GSM_7, 2),
        ("a" * 152 + "€" + "a" * 152, GSM_7, 3),
        ("ç" * 70, UCS_2, 1),
        ("ç" * 71, UCS_2, 2),
        ("ç" * 134, UCS_2, 2),
        ("ç" * 135, UCS_2, 3),
        ("a" * 69 + "ŝ", UCS_2, 1),
        # Beyond the basic plane a character takes two units, which stay together.
        ("😀" * 35, UCS_2, 1),
        ("😀" * 36, UCS_2, 2),
        ("😀" * 66, UCS_2, 2),
        ("😀" * 67, UCS_2, 3),
        ("`", UCS_2, 1),
        ("\t", UCS_2, 1),
    ],
)
def test_a_text_is_cut_as_networks_cut_it(text: str, encoding: Encoding, count: int) -> None:
    assert segments(text) == (encoding, count)


@given(st.text(max_size=500), st.text(max_size=50))
def test_a_longer_text_never_takes_fewer_parts(text: str, more: str) -> None:
    (first, few), (second, many) = segments(text), segments(text + more)
    assert many >= few
    assert (first, second) != (UCS_2, GSM_7)
