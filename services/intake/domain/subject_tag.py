"""The tag in the subjects of our mails, by which an answer finds its ticket where headers and address are lost.

Numbers are guessed and quoted from other systems: the check characters prove that we issued this one for this
workspace. They are few, as people see them; so a tag counts for somebody who takes part in the ticket only.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator

_CHECK_CHARACTERS = 4
_TAG = re.compile(r"\[#(?P<number>[1-9][0-9]{0,18})-[a-z2-7]{4}\]", re.IGNORECASE)
_PREFIX = re.compile(
    r"\s*(?:(?:re|aw|antw|antwort|sv|vs|odp|r[eé]f|rif|res|tr|wg|fwd?|enc|vb|doorst|pd|rv|i)"
    r"(?:\s?\[\d{1,3}\])?\s?[:：]|回复[:：]|答复[:：]|转发[:：]|返信[:：]|転送[:：])",
    re.IGNORECASE,
)


def subject_tag(secret: bytes, workspace_id: str, number: int) -> str:
    """The tag of a ticket, such as `[#123-k7q2]`."""
    mac = hmac.digest(secret, f"subject\0{workspace_id}\0{number}".encode(), hashlib.sha256)
    return f"[#{number}-{base64.b32encode(mac).decode()[:_CHECK_CHARACTERS].lower()}]"


def read_subject_tag(secret: bytes, workspace_id: str, subject: str) -> int | None:
    """The number of the ticket that a subject names; the last one counts, as tags are written at the end."""
    return next((number for number, _ in reversed(list(_tags(secret, workspace_id, subject)))), None)


def tagged(subject: str, secret: bytes, workspace_id: str, number: int, *, most: int) -> str:
    """The subject with this ticket's tag once and with no other one of ours, cut to so many characters."""
    tag = subject_tag(secret, workspace_id, number)
    for _, other in _tags(secret, workspace_id, subject):
        subject = subject.replace(other, "")
    return f"{' '.join(subject.split())[: most - len(tag) - 1].rstrip()} {tag}".strip()


def plain_subject(subject: str) -> str:
    """What is the same in the subjects of a mail and its answers; empty where nothing is left."""
    bare = _TAG.sub(" ", subject)
    while match := _PREFIX.match(bare):
        bare = bare[match.end() :]
    return " ".join(bare.split()).casefold()


def _tags(secret: bytes, workspace_id: str, subject: str) -> Iterator[tuple[int, str]]:
    for match in _TAG.finditer(subject):
        number = int(match["number"])
        if hmac.compare_digest(match[0].lower(), subject_tag(secret, workspace_id, number)):
            yield number, match[0]
