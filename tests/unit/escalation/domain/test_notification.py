"""Notifications: quiet hours, and what takes the place of one that failed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.escalation.domain.escalation_policy import Urgency
from services.escalation.domain.notification import (
    Notification,
    NotificationState,
    by_the_next_way,
    held_until,
    tried_again,
)
from services.escalation.domain.recipient import Reach, Way
from shared.calendar import Calendar, Hours
from tests.unit.escalation.builders import NAMESPACE, T0, at

BERLIN = ZoneInfo("Europe/Berlin")
AWAKE = Calendar(time_zone="Europe/Berlin", weekly=dict.fromkeys(range(7), (Hours(7 * 60, 22 * 60),)))
WORKDAYS = Calendar(time_zone="Europe/Berlin", weekly=dict.fromkeys(range(5), (Hours(9 * 60, 17 * 60),)))
INSTANTS = st.datetimes(datetime(2026, 3, 20), datetime(2026, 11, 5), timezones=st.just(UTC))  # noqa: DTZ001 - gets UTC


@given(INSTANTS)
def test_what_is_urgent_is_told_whatever_the_hour(now: datetime) -> None:
    assert held_until(Urgency.HIGH, AWAKE, now) is None
    assert held_until(Urgency.LOW, None, now) is None


@given(INSTANTS)
def test_what_is_not_urgent_waits_for_seven_in_the_morning_by_the_clock_on_the_wall(now: datetime) -> None:
    """Also in the nights in which the clock is turned."""
    until, wall = held_until(Urgency.LOW, AWAKE, now), now.astimezone(BERLIN)
    if 7 <= wall.hour < 22:
        assert until is None
    else:
        assert until is not None
        morning = until.astimezone(BERLIN)
        assert (morning.hour, morning.minute) == (7, 0)
        assert timedelta() < until - now <= timedelta(hours=10)
        assert held_until(Urgency.LOW, AWAKE, until) is None


def test_the_night_is_an_hour_shorter_in_spring_and_longer_in_autumn() -> None:
    for evening, hours in (
        (datetime(2026, 3, 28, 22, tzinfo=BERLIN), 8),
        (datetime(2026, 10, 24, 22, tzinfo=BERLIN), 10),
    ):
        now = evening.astimezone(UTC)
        assert held_until(Urgency.LOW, AWAKE, now) == now + timedelta(hours=hours)


def test_a_weekend_is_quiet_where_the_calendar_is_closed() -> None:
    saturday = datetime(2026, 6, 6, 12, tzinfo=BERLIN)
    assert held_until(Urgency.LOW, WORKDAYS, saturday) == datetime(2026, 6, 8, 9, tzinfo=BERLIN)


def test_a_calendar_that_never_opens_holds_nothing_for_ever() -> None:
    assert held_until(Urgency.LOW, Calendar(time_zone="UTC", weekly={}), T0) is None


def a_notification(*otherwise: Reach) -> Notification:
    return Notification(
        notification_id=NAMESPACE,
        workspace_id="acme",
        ticket_id=None,
        escalation_id=NAMESPACE,
        way=Way.CHAT,
        name="ann",
        address="ann-chat",
        payload={"level": 1},
        otherwise=otherwise,
        state=NotificationState.FAILED,
        held_until=T0,
        send_at=None,
        message_id=NAMESPACE,
        detail="answered 500",
        created_at=T0,
        finished_at=at(1),
    )


def test_whoever_was_not_reached_is_told_by_the_next_way_at_once() -> None:
    mail = Reach(way=Way.MAIL, address="ann@example.org")
    told = by_the_next_way(a_notification(mail), UUID(int=7), at(2))
    assert told is not None
    assert (told.way, told.address, told.instead_of, told.otherwise) == (Way.MAIL, mail.address, NAMESPACE, ())
    assert (told.state, told.send_at, told.held_until) == (NotificationState.PENDING, at(2), None)
    assert (told.message_id, told.detail, told.finished_at) == (None, None, None)
    assert told.payload == {"level": 1}


def test_after_the_last_way_there_is_no_other() -> None:
    assert by_the_next_way(a_notification(), UUID(int=7), at(2)) is None


def test_trying_again_takes_the_same_way_and_keeps_the_others() -> None:
    mail = Reach(way=Way.MAIL, address="ann@example.org")
    told = tried_again(a_notification(mail), UUID(int=7), at(2))
    assert (told.way, told.address, told.otherwise) == (Way.CHAT, "ann-chat", (mail,))
