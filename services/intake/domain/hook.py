"""What a provider's call brings, after somebody has read it."""

from dataclasses import dataclass
from enum import StrEnum

from services.intake.domain.call import CallEvent
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.message import InboundMessage


class Consent(StrEnum):
    """What somebody says about being written to."""

    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"


_OUT = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "CANCEL"})
_IN = frozenset({"START", "UNSTOP"})


def consent_in(text: str) -> Consent | None:
    """What a text that is nothing but one of the agreed words says: the word within a sentence says nothing."""
    word = text.strip().rstrip(".!").upper()
    if word in _OUT:
        return Consent.OPTED_OUT
    return Consent.OPTED_IN if word in _IN else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A message, and what it says about consent; that counts in texts and on WhatsApp."""

    message: InboundMessage
    consent: Consent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What a call brings for one account.

    account: with the provider, such as the number that was written to; none where the provider has none
    ignored: why there is nothing in it for us, where there is nothing
    unreadable: why a part of it cannot be read, where that is so: the rest is taken
    """

    account: str | None = None
    messages: tuple[Written, ...] = ()
    receipts: tuple[DeliveryReceipt, ...] = ()
    calls: tuple[CallEvent, ...] = ()
    ignored: str | None = None
    unreadable: str | None = None

    @property
    def parts(self) -> int:
        """Messages, receipts and events of calls."""
        return len(self.messages) + len(self.receipts) + len(self.calls)
