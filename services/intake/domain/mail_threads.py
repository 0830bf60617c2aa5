"""By what a mail says to which earlier one it belongs. What we issued is proof, what anybody can write a hint."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain import reply_token
from services.intake.domain.mail import Mail
from services.intake.domain.subject_tag import read_subject_tag

Hint = int | bytes
"""The number of a ticket, proved by us; or the key of a reference, to be looked up in the workspace."""

_MAX_PEOPLE = 50
_MAX_AWAITED = 5
_MAX_AWAITING = 10


@dataclass(frozen=True, slots=True)
class Hints:
    """What points to tickets, the strongest first, nothing twice.

    sure: whoever writes is let in, if not publicly; likely: only who takes part already
    """

    sure: tuple[Hint, ...]
    likely: tuple[Hint, ...]


def hints(
    mail: Mail,
    *,
    envelope_recipients: Sequence[str],
    workspace_id: str,
    secret: bytes,
    is_about_ours: bool = False,
) -> Hints:
    """What in a mail points to a ticket.

    First what an automatic answer is about, then the address that it was sent to, then what it answers, the
    newest first. Likely are the tag in its subject, and what said before this mail came that it belongs there.
    is_about_ours: whether a mail that it holds is what it is about, as in automatic answers; people forward
    old mail, which points nowhere
    """
    originals = mail.original_message_ids if is_about_ours else ()
    sure: tuple[Hint, ...] = (
        *_of_message_ids(originals, workspace_id, secret),
        *_of_addresses((*envelope_recipients, *mail.recipients), workspace_id, secret),
        *_of_message_ids(_answered(mail), workspace_id, secret),
    )
    tagged = read_subject_tag(secret, workspace_id, mail.subject)
    likely: tuple[Hint, ...] = (*(() if tagged is None else (tagged,)), *_kin(mail))
    return Hints(tuple(dict.fromkeys(sure)), tuple(dict.fromkeys(likely)))


def own_messages(mail: Mail, *, workspace_id: str, secret: bytes) -> list[UUID]:
    """Messages of ours that a report is about, proved by the token in their Message-ID."""
    return [
        own[0]
        for rfc_id in named(mail)
        if (own := reply_token.read_message_id(rfc_id))
        and reply_token.read_token(secret, workspace_id, own[1]) is not None
    ]


def recognised_by(mail: Mail) -> frozenset[bytes]:
    """The keys by which a later mail knows this one again."""
    return frozenset({repeat_key(mail), *([id_key(mail.message_id)] if mail.message_id else [])})


def refers_to(mail: Mail) -> frozenset[bytes]:
    """The keys of earlier mails that this one may belong to, or be a repeat of."""
    is_about_ours = any(map(reply_token.read_message_id, named(mail)))
    reported = {report_key(mail)} if is_about_ours else set()
    return frozenset({repeat_key(mail), *map(id_key, named(mail)), *_kin(mail), *reported})


def named(mail: Mail) -> tuple[str, ...]:
    """The Message-IDs in a mail, those that it is about first."""
    return (*mail.original_message_ids, *_answered(mail))


def awaits(mail: Mail, *, own_addresses: Collection[str] = (), known: Collection[bytes] = ()) -> frozenset[bytes]:
    """The keys by which what this mail answers finds it when it comes later, and what else answers that.

    Mails overtake each other. Only who wrote this one, and whom it has reached, find it so.
    known: the keys of mails that have come: those need not be awaited
    """
    # The first reference is what all of a thread have in common.
    ids = dict.fromkeys((*mail.in_reply_to[:2], *mail.references[:1], *_answered(mail)))
    missing = [rfc_id for rfc_id in ids if id_key(rfc_id) not in known]
    writers = people(mail, own_addresses)[:_MAX_AWAITING]
    return frozenset(_kin_key(rfc_id, person) for rfc_id in missing[:_MAX_AWAITED] for person in writers)


def people(mail: Mail, own_addresses: Collection[str]) -> tuple[str, ...]:
    """Who wrote a mail and whom it reached beside us, in lower case: they take part in what follows."""
    named = (mail.sender.address if mail.sender else None, mail.reply_to, *mail.recipients)
    known = (address.lower() for address in named if address)
    others = (address for address in known if reply_token.without_tag(address) not in own_addresses)
    return tuple(dict.fromkeys(others))[:_MAX_PEOPLE]


def repeat_key(mail: Mail) -> bytes:
    """What is the same when a mail comes again: Message-ID, sender and body. Headers change on the way.

    A mail without Message-ID is known by what its writer set instead.
    """
    named = mail.message_id or f"{mail.sent_at} {mail.subject}"
    sender = mail.sender.address if mail.sender else ""
    return _key("repeat", named, sender, mail.body_sha256)


def report_key(mail: Mail) -> bytes:
    """By what a report about a mail of ours is kept, which is no message of its own."""
    return _key("report", repeat_key(mail).hex())


def id_key(rfc_message_id: str) -> bytes:
    """By what a Message-ID is kept."""
    return _key("id", rfc_message_id)


def in_inbox(key: bytes, inbox: str) -> bytes:
    """By what a reference is kept in an inbox. inbox: empty for the one that channels share"""
    return _key("inbox", inbox, key.hex()) if inbox else key


def _answered(mail: Mail) -> tuple[str, ...]:
    """What a mail answers, the newest first."""
    return (*mail.in_reply_to, *reversed(mail.references))


def _kin(mail: Mail) -> tuple[bytes, ...]:
    """The keys by which this mail finds those that came before what they answer."""
    if mail.sender is None:
        return ()
    named = (*([mail.message_id] if mail.message_id else []), *_answered(mail))
    return tuple(_kin_key(rfc_id, mail.sender.address) for rfc_id in named)


def _kin_key(rfc_id: str, address: str) -> bytes:
    return _key("kin", rfc_id, address.lower())


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
        yield id_key(rfc_id)
