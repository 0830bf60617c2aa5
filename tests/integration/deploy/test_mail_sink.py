from email import message_from_bytes
from pathlib import Path

import aiosmtplib

from deploy.local.ports import free_ports
from tests.integration.deploy.running import Running

LONG_LINE = b"x" * 5000
MAIL = b"From: a@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n.\r\n" + LONG_LINE + b"\r\n"


async def test_keeps_every_mail_as_a_file(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    folder = tmp_path / "mail"
    with Running("-m", "deploy.local.mail_sink", "--port", str(port), "--folder", str(folder)) as sink:
        sink.wait_for("keeping mail")
        for recipients in (["b@example.org"], ["c@example.org", "d@example.org"]):
            await aiosmtplib.send(
                MAIL, sender="a@example.org", recipients=recipients, hostname="127.0.0.1", port=port
            )
        sink.wait_for(r"a@example.org -> c@example.org, d@example.org: Grüße")
        sink.send(15)
        assert sink.exit_code() == 0
    first, second = sorted(folder.iterdir())
    assert message_from_bytes(first.read_bytes())["Delivered-To"] == "b@example.org"
    kept = message_from_bytes(second.read_bytes())
    assert kept["Return-Path"] == "<a@example.org>"
    assert kept.get_all("Delivered-To") == ["c@example.org", "d@example.org"]
    assert second.read_bytes().endswith(MAIL)
