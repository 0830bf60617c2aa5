"""What a mail says, after somebody has read it: the parser's side of the inbound message."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An address with a lower-case domain, and the name beside it."""

    address: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """A part that is not the text.

    filename: for display only, and safe to display; content_id: by which HTML shows it inline
    """

    filename: str
    media_type: str
    content: bytes = field(repr=False)
    content_id: str | None = None
    is_inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecipient:
    """An address that a mail of ours did not reach, or whose owner complains of it.

    action: `failed`, `delayed`, `complaint`; status: `5.1.1`, empty where nobody says; diagnostic: in words
    """

    address: str
    action: str
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a server tells about a mail of ours (RFC 3462, 3464, 8098, 5965).

    kind: `delivery-status`, `disposition-notification`, `feedback-report`; `words` where it is no report by any
    standard, and only its text says what became of our mail
    actions, statuses: of each recipient, `failed` and `5.1.1`
    failures: the recipients that it did not reach or that complain, as far as they are named
    """

    kind: str
    actions: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    failures: tuple[FailedRecipient, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Markers:
    """What a mail's headers say about who or what wrote it.

    auto_submitted, precedence: the keyword, lower-case, empty where there is none
    loop_marks: what `X-Waypost-Loop` holds; hops: how many servers have passed it on
    """

    auto_submitted: str = ""
    precedence: str = ""
    suppresses: tuple[str, ...] = ()
    is_list: bool = False
    is_autoresponse: bool = False
    has_null_return_path: bool = False
    loop_marks: tuple[str, ...] = ()
    hops: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a provider that posts a mail tells beside it.

    sender: empty for a null one, None where it does not tell; is_verified: whether it has seen SPF or DKIM pass
    for the domain that the mail says to be from
    """

    sender: str | None
    recipients: tuple[str, ...] = ()
    is_verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail.

    recipients: every address in its headers; original_message_ids: of the mail that a report is about
    in_reply_to, references: Message-IDs as they stand, the oldest first
    text: what was written, text_new: without quotes and signature, which stands in signature
    is_damaged: whether text or subject may not be what was written, as their charset is unknown or wrong
    body_sha256: of everything below the headers, which the way here does not change
    """

    subject: str
    sender: Mailbox | None
    reply_to: str | None = None
    recipients: tuple[str, ...] = ()
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    original_message_ids: tuple[str, ...] = ()
    sent_at: datetime | None = None
    text: str = field(default="", repr=False)
    text_new: str = field(default="", repr=False)
    signature: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    is_damaged: bool = False
    attachments: tuple[AttachedFile, ...] = ()
    body_sha256: str = ""
    markers: Markers = Markers()
    report: Report | None = None
