"""Mailboxes as they are configured."""

import pytest
from pydantic import TypeAdapter, ValidationError

from services.intake.app.mailbox_parts import Host

HOST: TypeAdapter[str] = TypeAdapter(Host)


@pytest.mark.parametrize(
    "host", ["imap.example.org", "localhost", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", "x" * 63]
)
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert HOST.validate_python(host) == host


@pytest.mark.parametrize(
    "host",
    ["", ".", "imap..example", ".example", "x" * 64, f"{'x' * 70}.example", "-a.example", "a b", "a." * 127 + "a"],
)
def test_what_no_resolver_takes_is_no_host(host: str) -> None:
    with pytest.raises(ValidationError):
        HOST.validate_python(host)
