"""How the parser's processes answer: a mail as JSON, its attachments' bytes behind it.

Not pickle: a process that reads hostile bytes may be taken over, and must not be able to run code in ours.
"""

import json
import struct
from datetime import datetime
from typing import Any

from services.intake.domain.mail import AttachedFile, Envelope, FailedRecipient, Mail, Mailbox, Markers, Report

LENGTH = struct.Struct(">I")
"""Stands before each question, and after the state before each answer."""

MAX_ANSWER = 128 << 20
"""Bytes of an answer: far more than a mail within its limits makes."""

READ = b"r"
REFUSED = b"x"

_FIELDS = (
    *("subject", "reply_to", "message_id", "text", "text_new", "signature", "html"),
    *("is_damaged", "body_sha256"),
)
_TUPLES = ("recipients", "in_reply_to", "references", "original_message_ids")
_MARKER_TUPLES = ("suppresses", "loop_marks")
_FAILURE = ("address", "action", "status", "diagnostic")
_FILE = ("filename", "media_type", "content_id", "is_inline")


def encode(mail: Mail) -> bytes:
    """A mail as bytes."""
    marks = mail.markers
    body = {
        **{name: getattr(mail, name) for name in (*_FIELDS, *_TUPLES)},
        "sender": [mail.sender.address, mail.sender.name] if mail.sender else None,
        "sent_at": mail.sent_at.isoformat() if mail.sent_at else None,
        "markers": {name: getattr(marks, name) for name in Markers.__dataclass_fields__},
        "report": _plain_report(mail.report) if mail.report else None,
        "attachments": [
            {**{name: getattr(file, name) for name in _FILE}, "bytes": len(file.content)}
            for file in mail.attachments
        ],
    }
    head = json.dumps(body).encode("ascii")
    return b"".join((LENGTH.pack(len(head)), head, *(file.content for file in mail.attachments)))


def encode_posted(mail: Mail, envelope: Envelope) -> bytes:
    """A mail and its envelope as bytes."""
    head = json.dumps([envelope.sender, envelope.recipients, envelope.is_verified]).encode("ascii")
    return b"".join((LENGTH.pack(len(head)), head, encode(mail)))


def decode_posted(answer: bytes) -> tuple[Mail, Envelope]:
    """What `encode_posted` made bytes of. Raises ValueError for anything else."""
    try:
        at = LENGTH.size + LENGTH.unpack_from(answer)[0]
        sender, recipients, is_verified = json.loads(answer[LENGTH.size : at])
        envelope = Envelope(sender=sender, recipients=tuple(recipients), is_verified=is_verified)
        return _decoded(answer[at:]), envelope
    except Exception as error:
        raise ValueError("no posted mail") from error


def _plain_report(report: Report) -> list[object]:
    failures = [[getattr(failure, name) for name in _FAILURE] for failure in report.failures]
    return [report.kind, report.actions, report.statuses, failures]


def _report(kind: str, actions: list[str], statuses: list[str], failures: list[list[str]]) -> Report:
    found = (FailedRecipient(**dict(zip(_FAILURE, values, strict=True))) for values in failures)
    return Report(kind=kind, actions=tuple(actions), statuses=tuple(statuses), failures=tuple(found))


def decode(answer: bytes) -> Mail:
    """The mail that `encode` made bytes of. Raises ValueError for anything else."""
    try:
        return _decoded(answer)
    except Exception as error:
        raise ValueError("no mail") from error


def _decoded(answer: bytes) -> Mail:
    at = LENGTH.size + LENGTH.unpack_from(answer)[0]
    body: dict[str, Any] = json.loads(answer[LENGTH.size : at])
    attachments = []
    for file in body["attachments"]:
        content = answer[at : at + file["bytes"]]
        attachments.append(AttachedFile(content=content, **{name: file[name] for name in _FILE}))
        at += file["bytes"]
    marks = body["markers"]
    values: dict[str, Any] = {
        **{name: body[name] for name in _FIELDS},
        **{name: tuple(body[name]) for name in _TUPLES},
        "sender": Mailbox(address=body["sender"][0], name=body["sender"][1]) if body["sender"] else None,
        "sent_at": datetime.fromisoformat(body["sent_at"]) if body["sent_at"] else None,
        "markers": Markers(**{**marks, **{name: tuple(marks[name]) for name in _MARKER_TUPLES}}),
        "report": _report(*body["report"]) if body["report"] else None,
        "attachments": tuple(attachments),
    }
    return Mail(**values)
