"""How long a message is tried."""

from datetime import timedelta

from services.intake.domain.retries import give_up_after
from shared.vocabulary import ChannelKind


def test_mail_is_tried_for_three_days_and_a_text_for_one() -> None:
    assert give_up_after(ChannelKind.EMAIL) == timedelta(days=3)
    assert give_up_after(ChannelKind.SMS) == timedelta(days=1)
