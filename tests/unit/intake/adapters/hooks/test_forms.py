"""Forms, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.hooks import forms
from tests.unit.intake.adapters.hooks.signing import FORM, multipart

HEAD = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
TYPE = "multipart/form-data; boundary=x"


def test_fields_and_files_as_bytes() -> None:
    body, content_type = multipart(
        [("a", b"\xf6\r\n--xYzZ\r\n", None, ""), ("f", b"\0\xff", "ü.bin", "image/png"), ("a", b"", None, "")]
    )
    first, file, second = forms.fields(content_type, body)
    assert (first.name, first.content, second.content) == ("a", b"\xf6\r\n--xYzZ\r\n", b"")
    assert (file.content, file.filename, file.media_type) == (b"\0\xff", "ü.bin", "image/png")
    assert forms.last([first, file, second], "a") == ""


def test_a_percent_encoded_form() -> None:
    found = forms.fields(FORM, b"a=1+2%26&b=%F6&c&a=%C3%BC")
    assert [(item.name, item.content) for item in found] == [
        ("a", b"1 2&"),
        ("b", b"\xf6"),
        ("c", b""),
        ("a", "ü".encode()),
    ]
    assert forms.last(found, "a") == "ü"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("", b"a=1"),
        ("multipart/form-data", HEAD + b"\r\n--x--"),
        (f"multipart/form-data; boundary={'x' * 300}", b"--x--"),
        (TYPE, b""),
        (TYPE, HEAD + b"cut off"),
        (TYPE, HEAD + b"\r\n--x"),
        (TYPE, b"--x\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--x--\r\n"),
        (TYPE, b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--\r\n"),
        (TYPE, b"--x\r\n" + b"X-A: y\r\n" * 9 + HEAD[5:] + b"\r\n--x--\r\n"),
        (TYPE, b"--x\r\nX-A: " + b"y" * 5000 + b"\r\n" + HEAD[5:] + b"\r\n--x--\r\n"),
        (TYPE, (HEAD + b"\r\n") * 1001 + b"--x--\r\n"),
        (TYPE, HEAD.replace(b'"a"', b"a" * 201) + b"\r\n--x--\r\n"),
        (FORM, b"&".join([b"a=1"] * 1001)),
        (FORM, b"a" * 201),
    ],
)
def test_what_is_no_form_or_too_much(content_type: str, body: bytes) -> None:
    with pytest.raises(forms.MalformedForm):
        forms.fields(content_type, body)


@given(st.binary(max_size=200), st.sampled_from([FORM, TYPE, 'multipart/form-data; boundary="', "é; boundary=x"]))
def test_any_bytes_are_a_form_or_none(body: bytes, content_type: str) -> None:
    for content in (body, HEAD + body, HEAD + body + b"\r\n--x--\r\n"):
        try:
            found = forms.fields(content_type, content)
        except forms.MalformedForm:
            continue
        assert sum(len(item.content) for item in found) <= len(content)
