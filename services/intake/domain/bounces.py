"""Bounces that follow no standard: which address failed, as old servers and large providers say it in words.

Whether a mail is a bounce is for its envelope and its sender to say; this only reads it.
"""

import re
from collections.abc import Iterator, Sequence

from services.intake.domain.mail import FailedRecipient

BOUNCERS = frozenset({"mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon", "mdaemon"})
"""Local parts of those who write bounces. Exchange's has a number behind it."""

_EXCHANGE = re.compile(r"microsoftexchange[0-9a-f]{32}\Z")
_MAX_LINES = 200
_MAX_LINE = 500
_MAX_FAILURES = 50
_NEAR = 6
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_STATUS = re.compile(r"\b([245]\.[0-9]{1,2}\.[0-9]{1,3})\b")
_CODE = re.compile(r"(?:^|[\s:<(#])([45])[0-9][0-9][\s-]")
_COPY = re.compile(
    r"(?:-{2,}.{0,20}(?:below this line is a copy|this is a copy of|original message|returned message)"
    r"|original message headers|return-path:|received: from|message headers? follow)",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"delayed|will be retried|still trying|not yet been delivered|temporar|do not need to resend|will keep trying"
    r"|warning: (?:message|could not send)|verzögert|retard|retras|ritard|vertraagd|opóźni|försen",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"could not be delivered|couldn't be delivered|was not delivered|wasn't delivered|undeliver"
    r"|delivery (?:has |to .{1,80} )?failed|permanent (?:fatal )?error|qmail-send|returned to sender|did not reach"
    r"|address not found|unzustellbar|nicht zugestellt|non remis|no se (?:ha )?(?:pudo )?entreg|non recapitat"
    r"|onbestelbaar|niet bezorgd|não (?:foi )?entreg|nie (?:został|można)|kunde inte levereras"
    r"|配信|届け|无法|退信",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(r"^[> \t]{0,8}Message-ID:[ \t]{0,8}(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)


def is_bouncer(address: str) -> bool:
    """Whether such an address writes bounces."""
    local = address.rpartition("@")[0].lower()
    return local in BOUNCERS or _EXCHANGE.match(local) is not None


def failures_in(text: str, *, named: Sequence[str], sender: str) -> tuple[FailedRecipient, ...]:
    """The addresses that failed, by the text of a bounce; none where it does not read like one.

    named: addresses that `X-Failed-Recipients` holds, which need not be looked for
    sender: of the bounce, who is none of them
    """
    lines = list(_above_copy(text))
    about = "\n".join(lines)
    if not named and not (_FAILED.search(about) or _DELAYED.search(about) or _STATUS.search(about)):
        return ()
    action = "delayed" if _DELAYED.search(about) and not _says_permanent(about) else "failed"
    found: dict[str, FailedRecipient] = {}
    places = [(_line_of(lines, address), address) for address in named] or _addresses(lines)
    for index, address in places[:_MAX_FAILURES]:
        if address.lower() == sender.lower() or address in found:
            continue
        near = lines[index : index + _NEAR]
        found[address] = FailedRecipient(
            address=_lower_domain(address),
            action=action,
            status=_status("\n".join(near)) or _status(about),
            diagnostic=" ".join(" ".join(near).split())[:_MAX_LINE],
        )
    return tuple(found.values())


def original_ids(text: str) -> list[str]:
    """Message-IDs of the mail that a bounce holds a copy of, in its text."""
    return _MESSAGE_ID.findall(text)


def _above_copy(text: str) -> Iterator[str]:
    for line in text.split("\n", _MAX_LINES)[:_MAX_LINES]:
        shown = line[:_MAX_LINE].rstrip()
        if _COPY.match(shown.lstrip("> ")):
            return
        yield shown


def _addresses(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Addresses with which a line begins, `<ada@example.org>:`; or else any."""
    anywhere = [(index, match) for index, line in enumerate(lines) for match in _ADDRESS.finditer(line)]
    first = [
        (index, match[0]) for index, match in anywhere if not lines[index][: match.start()].strip(" \t<*>·•-'\"")
    ]
    return first or [(index, match[0]) for index, match in anywhere[:1]]


def _line_of(lines: Sequence[str], address: str) -> int:
    return next((index for index, line in enumerate(lines) if address.lower() in line.lower()), 0)


def _says_permanent(text: str) -> bool:
    return _status(text).startswith("5")


def _status(text: str) -> str:
    if found := _STATUS.search(text):
        return found[1]
    code = _CODE.search(text)
    return f"{code[1]}.0.0" if code else ""


def _lower_domain(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"
