"""How often one person is written to, however many things happen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.escalation.domain.pace import MOST_IN_WINDOW, WINDOW, next_message_at, pause_after
from tests.unit.escalation.builders import T0

ARRIVALS = st.lists(st.floats(0, 3600), max_size=60).map(sorted)


@dataclass
class Recipient:
    """Somebody for whom notifications wait, told as the service does it: all that waits goes in one message."""

    sent_at: list[datetime] = field(default_factory=list)
    messages: list[list[int]] = field(default_factory=list)
    waited: list[timedelta] = field(default_factory=list)

    def tell(self, arrivals: Sequence[datetime]) -> None:
        left = list(enumerate(arrivals))
        while left:
            first = left[0][1]
            recent = [at for at in self.sent_at if at > first - WINDOW]
            at = max(first, next_message_at(recent) or first)
            told = [(number, came) for number, came in left if came <= at]
            left = left[len(told) :]
            self.sent_at.append(at)
            self.messages.append([number for number, _ in told])
            self.waited.extend(at - came for _, came in told)


def told(arrivals: Sequence[float]) -> Recipient:
    recipient = Recipient()
    recipient.tell([T0 + timedelta(seconds=seconds) for seconds in arrivals])
    return recipient


@given(ARRIVALS)
def test_everything_goes_in_one_message_exactly_in_the_order_in_which_it_came(arrivals: list[float]) -> None:
    assert [number for message in told(arrivals).messages for number in message] == list(range(len(arrivals)))


@given(ARRIVALS)
def test_nobody_gets_more_than_so_many_messages_in_any_ten_minutes(arrivals: list[float]) -> None:
    sent_at = told(arrivals).sent_at
    for last in sent_at:
        assert sum(last - WINDOW < at <= last for at in sent_at) <= MOST_IN_WINDOW


@given(ARRIVALS)
def test_nothing_waits_for_longer_than_ten_minutes(arrivals: list[float]) -> None:
    assert all(timedelta() <= waited <= WINDOW for waited in told(arrivals).waited)


@given(ARRIVALS)
def test_a_message_never_goes_before_the_pause_behind_the_one_before_it(arrivals: list[float]) -> None:
    sent_at = told(arrivals).sent_at
    for index, at in enumerate(sent_at[1:], 1):
        recent = sum(at - before < WINDOW for before in sent_at[:index])
        assert at - sent_at[index - 1] >= pause_after(recent)


def test_a_storm_of_a_minute_is_told_in_five_messages() -> None:
    """Nothing of it is lost either (zammad#4885: beyond thirty mails in ten minutes nobody is told anything)."""
    storm = told([number * 60 / 5000 for number in range(5000)])
    seconds = [(at - T0).total_seconds() for at in storm.sent_at]
    assert seconds == [0, 5, 15, 35, 75]
    assert sum(map(len, storm.messages)) == 5000


def test_one_thing_now_and_then_is_told_at_once() -> None:
    assert told([0, 700, 1400]).waited == [timedelta()] * 3


def test_a_storm_that_goes_on_for_hours_stays_a_handful_in_ten_minutes() -> None:
    storm = told([float(second) for second in range(0, 7200, 2)])
    for last in storm.sent_at:
        assert sum(last - WINDOW < at <= last for at in storm.sent_at) <= MOST_IN_WINDOW
    assert max(storm.waited) <= WINDOW
