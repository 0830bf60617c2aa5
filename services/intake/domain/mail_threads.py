"""By what a mail says to which earlier one it belongs. What we issued is proof, what anybody can write a hint."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from services.intake.domain import reply_token
from services.intake.domain.mail import Mail

Hint = int | str
"""The number of a ticket, proved by a token of ours; or a Message-ID, to be looked up in the workspace."""


def hints(mail: Mail, *, envelope_recipients: Sequence[str], workspace_id: str, secret: bytes) -> list[Hint]:
    """What points to a ticket, the strongest first, nothing twice.

    What a report is about, then the address that it was sent to, then what it answers, the newest first.
    Subjects never count: they are edited, guessed and quoted.
    """
    answered = (*mail.in_reply_to, *reversed(mail.references))
    found = (
        *_of_message_ids(mail.original_message_ids, workspace_id, secret),
        *_of_addresses((*envelope_recipients, *mail.recipients), workspace_id, secret),
        *_of_message_ids(answered, workspace_id, secret),
    )
    return list(dict.fromkeys(found))


def own_messages(mail: Mail, *, workspace_id: str, secret: bytes) -> list[UUID]:
    """Messages of ours that a report is about, proved by the token in their Message-ID."""
    named = (*mail.original_message_ids, *mail.in_reply_to, *reversed(mail.references))
    return [
        own[0]
        for rfc_id in named
        if (own := reply_token.read_message_id(rfc_id))
        and reply_token.read_token(secret, workspace_id, own[1]) is not None
    ]


def recognised_by(mail: Mail) -> frozenset[bytes]:
    """The keys by which a later mail knows this one again."""
    return frozenset({repeat_key(mail), *([id_key(mail.message_id)] if mail.message_id else [])})


def refers_to(mail: Mail) -> frozenset[bytes]:
    """The keys of earlier mails that this one may belong to, or be a repeat of."""
    named = (*mail.original_message_ids, *mail.in_reply_to, *mail.references)
    return frozenset({repeat_key(mail), *map(id_key, named)})


def repeat_key(mail: Mail) -> bytes:
    """What is the same when a mail comes again: Message-ID, sender and body. Headers change on the way.

    A mail without Message-ID is known by what its writer set instead.
    """
    named = mail.message_id or f"{mail.sent_at} {mail.subject}"
    sender = mail.sender.address if mail.sender else ""
    return _key("repeat", named, sender, mail.body_sha256)


def id_key(rfc_message_id: str) -> bytes:
    """By what a Message-ID is kept."""
    return _key("id", rfc_message_id)


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", errors="replace")).digest()


def _of_addresses(addresses: Iterable[str], workspace_id: str, secret: bytes) -> Iterator[Hint]:
    for token in reply_token.tokens_in_addresses(tuple(addresses)):
        if (number := reply_token.read_token(secret, workspace_id, token)) is not None:
            yield number


def _of_message_ids(rfc_ids: Iterable[str], workspace_id: str, secret: bytes) -> Iterator[Hint]:
    for rfc_id in rfc_ids:
        own = reply_token.read_message_id(rfc_id)
        if own and (number := reply_token.read_token(secret, workspace_id, own[1])) is not None:
            yield number
        yield rfc_id
