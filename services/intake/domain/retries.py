"""How long a message that did not leave is tried."""

from datetime import timedelta

from shared.vocabulary import ChannelKind

_DAY = timedelta(days=1)
_GIVE_UP_AFTER = {ChannelKind.SMS: _DAY, ChannelKind.WHATSAPP: _DAY, ChannelKind.SLACK: _DAY}
_PATIENT = timedelta(days=3)


def give_up_after(kind: ChannelKind) -> timedelta:
    """How long a message is tried: an answer by text that comes days later answers nobody."""
    return _GIVE_UP_AFTER.get(kind, _PATIENT)
