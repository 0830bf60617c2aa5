"""What the answers of vendors mean: taken up again later, or refused for good, and why.

Reasons are ours: what a vendor writes may repeat the message or the number. What is wrong with the account and
not with the message is tried again, as mail is whose server refuses our password: somebody can set it right.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TypeVar

from services.intake.domain.outgoing import Later, Never
from services.intake.domain.whatsapp import OUTSIDE_WINDOW

T = TypeVar("T")

ACCOUNT_PAUSE = timedelta(minutes=5)
"""How long nothing leaves by a channel whose account does not work."""

BUSY_PAUSE = timedelta(seconds=5)
"""The same for one that sends too fast, where the vendor does not say how long."""

UNDELIVERED = "it was not delivered"
OPTED_OUT = "the customer has opted out at the provider"

_LONGEST_ID = 200
_HIGHEST_CODE = 10**9

_BUSY = (429, 502, 503, 504)

_TWILIO_NEVER = {
    21211: "the number is not valid",
    21214: "the number cannot be reached",
    21217: "the number is not valid",
    21408: "the account may not send to this region",
    21601: "our number cannot send texts",
    21602: "the message is empty",
    21606: "our number cannot send texts to this number",
    21608: "a trial account may not send to this number",
    21610: OPTED_OUT,
    21612: "the number cannot be reached from ours",
    21614: "the number is not a mobile one",
    21617: "the message is too long",
    21635: "the number is a landline",
    21654: "the template is not known",
    21655: "the template is not known",
    21656: "the template's variables do not fit",
    63016: OUTSIDE_WINDOW,
    63024: "the number is not on WhatsApp",
}
_TWILIO_RECEIPTS = {
    30001: "the provider's queue is full",
    30003: "the phone is switched off or unreachable",
    30004: "the message is blocked",
    30005: "the number is not known",
    30006: "the number is a landline or cannot be reached",
    30007: "the carrier takes it for spam",
    30008: "the carrier gives no reason",
}
_TWILIO_BUSY = frozenset({20429, 14107, 21611, 63018, 63038})
_TWILIO_ACCOUNT = frozenset({20003, 20005, 20006, 20404, 21603, 21660, 30002})

_META_NEVER = {
    100: "WhatsApp does not understand the message",
    368: "the account is blocked for breaking rules",
    131008: "WhatsApp does not understand the message",
    131009: "WhatsApp does not understand the message",
    131021: "the number is our own",
    131026: "the number cannot get this message by WhatsApp",
    131030: "the number is not among those of the test account",
    131047: OUTSIDE_WINDOW,
    131049: "WhatsApp keeps it back, to keep its users content",
    131050: OPTED_OUT,
    131051: "WhatsApp does not know this kind of message",
    130472: "the number takes part in an experiment of WhatsApp's",
    132000: "the template's variables do not fit",
    132001: "the template is not known in this language",
    132005: "the template is too long with its variables",
    132007: "the template breaks rules of WhatsApp's",
    132012: "the template's variables do not fit",
    132015: "the template is paused",
    132016: "the template is disabled",
}
_META_BUSY = frozenset({4, 80007, 130429, 131048, 131056, 133016})
_META_ACCOUNT = frozenset({0, 3, 10, 190, 131005, 131031, 131042, 131045, 133010, *range(200, 300)})
_META_LATER = frozenset({1, 2, 131000, 131016, 131057, 133004})

_SLACK_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_SLACK_LATER = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "service_unavailable", "team_added_to_org"}
)
_SLACK_ACCOUNT = frozenset(
    {
        *("not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "no_permission"),
        *("missing_scope", "not_allowed_token_type", "org_login_required", "ekm_access_denied", "access_denied"),
        *("team_access_not_granted", "accesslimited", "enterprise_is_restricted", "two_factor_setup_required"),
    }
)
_SLACK_NEVER = {
    "channel_not_found": "the Slack channel is not there, or the app is not in it",
    "not_in_channel": "the app is not in the Slack channel",
    "is_archived": "the Slack channel is archived",
    "msg_too_long": "the message is too long",
    "no_text": "the message is empty",
    "user_not_found": "the person is not in this Slack",
    "cannot_reply_to_message": "the Slack thread takes no answers",
    "messages_tab_disabled": "the person takes no messages of apps",
}


def known_id(value: object) -> str | None:
    """A vendor's word, where it is one that can be kept and found again: an id, or a name of an error."""
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable():
        return value
    return None


def known_code(value: object) -> int | None:
    """The same for the number of an error."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _HIGHEST_CODE:
        return value
    return None


def twilio_answer(status: int, code: int | None, after: timedelta | None) -> Later | Never:
    """What a Twilio error means. code: of its body"""
    shown = f"Twilio: {code or status}"
    known = _known(shown, code, after, never=_TWILIO_NEVER, busy=_TWILIO_BUSY, account=_TWILIO_ACCOUNT)
    return known or _by_status(shown, status, after)


def twilio_reason(code: int | None) -> str:
    """Why Twilio says that a message which it took did not arrive. code: where it gives one"""
    return _reason("Twilio", code, {**_TWILIO_NEVER, **_TWILIO_RECEIPTS})


def meta_answer(status: int, code: int | None, after: timedelta | None) -> Later | Never:
    """What an error of the WhatsApp Cloud API means."""
    shown = f"WhatsApp: {status if code is None else code}"
    known = _known(
        shown, code, after, never=_META_NEVER, busy=_META_BUSY, account=_META_ACCOUNT, later=_META_LATER
    )
    return known or _by_status(shown, status, after)


def meta_reason(code: int | None) -> str:
    """Why Meta says that a message which it took did not arrive. code: where it gives one"""
    return _reason("WhatsApp", code, _META_NEVER)


def slack_answer(status: int, error: str | None, after: timedelta | None) -> Later | Never:
    """What `ok: false` or an error status of Slack's means. error: Slack's word for it"""
    shown = f"Slack: {error or status}"
    known = _known(
        shown, error, after, never=_SLACK_NEVER, busy=_SLACK_BUSY, account=_SLACK_ACCOUNT, later=_SLACK_LATER
    )
    if known is not None:
        return known
    if error is not None and status < 300:
        return Never(reason=f"the provider refuses it ({shown})")
    return _by_status(shown, status, after)


def standard_answer(status: int, after: timedelta | None) -> Later | Never:
    """What anything but 2xx means by Standard Webhooks: tried again, unless the receiver is gone."""
    shown = f"the provider answered {status}"
    if status == 410:
        return Never(reason=f"{shown}: it wants nothing more")
    return Later(reason=shown, after=after, holds=status in _BUSY)


def _reason(vendor: str, code: int | None, known: Mapping[int, str]) -> str:
    if code is None:
        return f"{UNDELIVERED} ({vendor} gives no reason)"
    return f"{known.get(code, UNDELIVERED)} ({vendor}: {code})"


def _by_status(shown: str, status: int, after: timedelta | None) -> Later | Never:
    if status in (401, 403, 404):
        return _account(shown)
    if status == 429:
        return _busy(shown, after)
    if 400 <= status < 500 and status not in (408, 409, 425):
        return Never(reason=f"the provider refuses it ({shown})")
    return Later(reason=f"the provider fails ({shown})", after=after, holds=after is not None)


def _known(
    shown: str,
    code: T | None,
    after: timedelta | None,
    *,
    never: Mapping[T, str],
    busy: Collection[T],
    account: Collection[T],
    later: Collection[T] = (),
) -> Later | Never | None:
    """What a vendor's code means, where it stands in one of its tables."""
    if code is None:
        return None
    if code in never:
        return Never(reason=f"{never[code]} ({shown})")
    if code in busy:
        return _busy(shown, after)
    if code in account:
        return _account(shown)
    return Later(reason=f"the provider fails ({shown})", after=after) if code in later else None


def _busy(shown: str, after: timedelta | None) -> Later:
    return Later(reason=f"the provider is asked too often ({shown})", after=after or BUSY_PAUSE, holds=True)


def _account(shown: str) -> Later:
    return Later(reason=f"the provider does not accept the account ({shown})", after=ACCOUNT_PAUSE, holds=True)
