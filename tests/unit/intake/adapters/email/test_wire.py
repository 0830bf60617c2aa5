"""What a parser that was taken over may answer: nonsense, and nothing worse."""

import json

import pytest

from services.intake.adapters.email import mime, wire
from tests.unit.intake.mails import multipart, raw_mail


def test_a_mail_comes_back_as_it_was() -> None:
    status = "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1"
    bounce = multipart("report", f"Content-Type: message/delivery-status\n\nReporting-MTA: x\n\n{status}")
    for raw in (raw_mail(), raw_mail("Help!\n-- \nAda"), bounce):
        mail = mime.read(raw)
        assert wire.decode(wire.encode(mail)) == mail


def answer(body: object) -> bytes:
    head = json.dumps(body).encode()
    return wire.LENGTH.pack(len(head)) + head


def altered(**fields: object) -> bytes:
    encoded = wire.encode(mime.read(raw_mail()))
    return answer({**json.loads(encoded[wire.LENGTH.size :]), **fields})


NONSENSE = {
    "nothing": b"",
    "no JSON": wire.LENGTH.pack(1) + b"x",
    "nested without end": wire.LENGTH.pack(200_000) + b"[" * 200_000,
    "a number": answer(1),
    "a list": answer([]),
    "no fields": answer({}),
    "a sender without a name": altered(sender=["a@b.c"]),
    "a report without statuses": altered(report=["delivery-status"]),
    "a report with odd failures": altered(report=["delivery-status", [], [], [["a@b.c"]]]),
    "a date that is none": altered(sent_at=1),
    "markers that are none": altered(markers=[1]),
    "unknown markers": altered(markers={"x": 1}),
    "attachments that are none": altered(attachments=[1]),
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_told(nonsense: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        wire.decode(nonsense)
