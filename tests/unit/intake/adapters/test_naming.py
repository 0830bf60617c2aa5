"""By what people may be known who stand in what nobody can read."""

import json
from time import process_time

import pytest

from services.intake.adapters.naming import named_in_call, named_in_mail


def test_a_call_names_numbers_and_addresses_and_whole_values() -> None:
    payload = {
        "wa_id": "16505551234",
        "handle": "zyzzyva",
        "user": "U024BE7LH",
        "text": "Ask ada@example.org, or +4930123456. Or who\u00e9ver",
        "name": "Jos\u00e9",
    }
    for ensure_ascii in (True, False):
        named = named_in_call(json.dumps(payload, ensure_ascii=ensure_ascii).encode())
        wanted = {"+16505551234", "zyzzyva", "U024BE7LH", "ada@example.org", "+4930123456", "Jos\u00e9"}
        assert wanted <= set(named)


def test_a_form_names_them_as_well() -> None:
    named = named_in_call(
        b"From=%2B4930123456&Body=Hello+there&User=ada-42&To=whatsapp%3A%2B15550100&x=a%40b.example"
    )
    assert {"+4930123456", "ada-42", "+15550100", "a@b.example"} <= set(named)


@pytest.mark.parametrize(
    "piece",
    [
        *(b'"', b"1", b"+", b"a@", b"a@b ", b"=", b"a.", b"&a", b"a=b&", b'"a"', b"123456 ", b"%41", b"\\u0061"),
        *(b"\xff\0", b"\xc3\xa9%41", b"a" * 64 + b"@", b"=" + b"a" * 250, b'"' + b"a" * 250),
    ],
)
def test_whatever_stands_there_costs_little_and_names_few(piece: bytes) -> None:
    content = piece * (4_194_304 // len(piece))
    for name, most in ((named_in_call, 1000), (named_in_mail, 100)):
        begun_s = process_time()  # what else the machine does is not counted
        assert len(name(content)) <= most
        assert process_time() - begun_s < 0.05


def test_numbers_come_before_all_else() -> None:
    values = "&".join(f"k{number}=v{number}" for number in range(2000))
    named = named_in_call(f"{values}&From=+4930123456".encode())
    assert (len(named), named[0]) == (1000, "+4930123456")
    assert all("\0" not in name for name in named_in_call(b'"a\0b"'))


def test_repeats_do_not_make_it_look_on_and_on() -> None:
    assert named_in_mail(b"a@b " * 3999 + b"c@d ") == ("a@b", "c@d")
    assert named_in_mail(b"a@b " * 4000 + b"c@d ") == ("a@b",)
    assert named_in_call(b"123456 " * 4000 + b"654321 ") == ("+123456", "123456")
