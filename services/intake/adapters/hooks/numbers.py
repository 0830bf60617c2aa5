"""Numbers as messaging services write them."""

import re

from services.intake.app.phone import phone_identity
from services.intake.domain.message import Identity, IdentityKind

_MOBILE = re.compile(r"\+(?:521|549)[0-9]{10}\Z", re.ASCII)
_DIGITS = re.compile(r"\+?[0-9]{3,15}\Z", re.ASCII)


def whatsapp_identity(number: str) -> Identity:
    """The identity behind a WhatsApp id: it writes a 1 into Mexican and a 9 into Argentinian mobile numbers.

    Mexico dropped that 1 in 2019; Argentina writes the 9 in E.164 for mobiles, and callers are shown without:
    both are left out, so that a person who calls and writes is one.
    """
    plain = number if number.startswith("+") else f"+{number}"
    if not _DIGITS.match(plain):
        return Identity(kind=IdentityKind.HANDLE, value=number)
    return phone_identity(plain[:3] + plain[4:] if _MOBILE.match(plain) else plain, None)


def sender_identity(address: str) -> Identity:
    """The identity behind what Twilio calls `From`: a number, `whatsapp:` and a number, or a name."""
    scheme, colon, rest = address.rpartition(":")
    if scheme == "whatsapp":
        return whatsapp_identity(rest)
    if colon and not _DIGITS.match(rest):
        return Identity(kind=IdentityKind.HANDLE, value=address)
    return phone_identity(rest, None)
