"""Watches: signs of queues and KPIs begin an escalation when they come, and time alone may bring them."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.escalation.domain import trigger as t
from services.escalation.domain.watch import Waiting, Watch, looked, most_of_interest, next_look, queue_watch
from tests.unit.escalation.builders import T0, at, minutes
from tests.unit.escalation.chains import MOVE, Holds, an_escalation, wait

QUEUE = queue_watch("acme", "support")
ALERT = Watch(workspace_id="acme", subject="alert/x", kpi="first_reply.p90", queue="support", is_alerted=True)


def a_trigger(sign: t.Sign, name: str = "sign") -> t.Trigger:
    return t.Trigger(trigger_id=name, name=name, sign=sign, condition=Holds(True), escalation="chain")


MANY = a_trigger(t.QueueLength(queue="support", more_than=2), "many")
LONG = a_trigger(t.OldestWaiting(queue="support", longer_than=minutes(30)), "long")


def waiting(length: int, oldest_at: datetime | None = None) -> Waiting:
    return Waiting(length=length, oldest_at=oldest_at)


def shown(watch: Watch, seen: Waiting, *triggers: t.Trigger, now: datetime = T0) -> tuple[Watch, list[str]]:
    after, new = looked(watch, seen, triggers, now)
    return after, [trigger.trigger_id for trigger in new]


def test_a_full_queue_is_a_sign_once_until_it_is_not_full_any_more() -> None:
    watch, new = shown(QUEUE, waiting(2), MANY)
    assert (new, watch.shown) == ([], frozenset())
    watch, new = shown(watch, waiting(3), MANY)
    assert (new, watch.shown) == (["many"], frozenset({"many"}))
    watch, new = shown(watch, waiting(9), MANY)
    assert (new, watch.shown) == ([], frozenset({"many"}))
    watch, new = shown(watch, waiting(2), MANY)
    assert (new, watch.shown) == ([], frozenset())
    assert shown(watch, waiting(3), MANY)[1] == ["many"]


def test_another_queue_and_a_kpi_of_this_one_are_no_sign_of_its_length() -> None:
    assert shown(queue_watch("acme", "sales"), waiting(9), MANY)[1] == []
    assert shown(ALERT, waiting(9), MANY)[1] == []


def test_somebody_who_waits_for_long_is_a_sign_and_time_alone_brings_it() -> None:
    seen = waiting(1, at(0))
    watch, new = shown(QUEUE, seen, LONG, now=at(29))
    assert new == []
    assert next_look(watch, seen, [LONG], []) == at(30)
    watch, new = shown(watch, seen, LONG, now=at(30))
    assert new == ["long"]
    assert next_look(watch, seen, [LONG], []) is None
    # The next oldest has not waited for so long.
    watch, _ = shown(watch, waiting(1, at(20)), LONG, now=at(31))
    assert (watch.shown, next_look(watch, waiting(1, at(20)), [LONG], [])) == (frozenset(), at(50))


def test_it_is_looked_at_again_when_a_step_is_due_or_a_snooze_is_over() -> None:
    chain = an_escalation(wait(1), MOVE)
    assert next_look(QUEUE, waiting(0), [], [chain]) == T0
    assert next_look(QUEUE, waiting(0), [], []) is None


def test_an_alert_is_a_sign_of_its_kpi_and_perhaps_of_its_queue() -> None:
    any_queue = a_trigger(t.KpiAlert(kpi="first_reply.p90"), "any")
    this = a_trigger(t.KpiAlert(kpi="first_reply.p90", queue="support"), "this")
    other = a_trigger(t.KpiAlert(kpi="first_reply.p90", queue="sales"), "other")
    assert shown(ALERT, Waiting(), any_queue, this, other)[1] == ["any", "this"]
    assert shown(QUEUE, Waiting(), any_queue, this)[1] == []


def test_a_queue_is_counted_as_far_as_anybody_asks() -> None:
    more = a_trigger(t.QueueLength(queue="support", more_than=7))
    elsewhere = a_trigger(t.QueueLength(queue="sales", more_than=99))
    assert most_of_interest("support", [MANY, more, elsewhere, LONG]) == 8


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), max_size=20))
def test_a_sign_begins_as_often_as_it_comes(story: list[tuple[int, int]]) -> None:
    """Between two beginnings of one sign there was a look at which it was gone."""
    watch, now = QUEUE, T0
    began = {"many": False, "long": False}
    for length, passed in story:
        now += timedelta(minutes=passed)
        seen = waiting(length, T0 if length else None)
        is_so = {"many": length > 2, "long": length > 0 and now - T0 >= minutes(30)}
        watch, new = shown(watch, seen, MANY, LONG, now=now)
        assert set(new) == {name for name in is_so if is_so[name] and not began[name]}
        began = is_so
