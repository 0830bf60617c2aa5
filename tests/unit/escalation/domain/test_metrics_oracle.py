"""The nine metrics against a slow oracle that counts open minutes one by one, written from their table alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.escalation.domain.sla_clock import Turn
from services.escalation.domain.tracking import Tracked, anew
from shared.calendar import ALWAYS, Calendar, parse_hours
from tests.unit.escalation.builders import Story, a_ticket, at, history, minutes, policies

BERLIN = ZoneInfo("Europe/Berlin")
SPLIT = Calendar(
    time_zone="Europe/Berlin",
    weekly={day: (parse_hours("09:00-12:00"), parse_hours("13:00-18:00")) for day in range(5)},
)
REPLIES = ("first_reply", "next_reply", "periodic_update", "pausable_update")
IsOpen = Callable[[datetime], bool]


def in_split_hours(instant: datetime) -> bool:
    local = instant.astimezone(BERLIN)
    return local.weekday() < 5 and (9 <= local.hour < 12 or 13 <= local.hour < 18)


@dataclass
class Count:
    """One instance of a metric: the minutes that counted, and in which of them it broke."""

    elapsed: int = 0
    broken_at: int | None = None
    ended: str | None = None


@dataclass
class Oracle:
    """A ticket, minute by minute."""

    target: int
    is_open: IsOpen
    status: str = "none"
    waiting: bool = False
    answered_ever: bool = False
    assigned: bool = False
    solved_ever: bool = False
    queued: bool = False
    live: dict[str, Count] = field(default_factory=dict)
    all: list[tuple[str, Count]] = field(default_factory=list)
    resumed: dict[str, int] = field(default_factory=dict)

    @property
    def unsolved(self) -> bool:
        return self.status not in ("none", "solved", "closed")

    def begin(self, metric: str, elapsed: int = 0) -> None:
        self.live[metric] = Count(elapsed)
        self.all.append((metric, self.live[metric]))

    def end(self, how: str, *metrics: str) -> None:
        for metric in metrics:
            if metric in self.live:
                self.live.pop(metric).ended = how

    def breaks(self, minute: int) -> list[Count]:
        """Instances that run on after all of their time: broken now. Gives those that run."""
        running = [count for metric, count in self.live.items() if not self.stands(metric)]
        for count in running:
            if count.elapsed >= self.target and count.broken_at is None:
                count.broken_at = minute
        return running

    def tick(self, minute: int) -> None:
        """A minute passes."""
        for count in self.breaks(minute):
            count.elapsed += self.is_open(at(minute))

    def stands(self, metric: str) -> bool:
        if metric in ("pausable_update", "requester_wait"):
            return self.status == "pending"
        return metric == "agent_work" and self.status in ("pending", "on_hold")

    def happens(self, what: str) -> None:
        match what.split():
            case ["opened", by]:
                self.status = "new"
                for metric in ("requester_wait", "agent_work", "total_resolution", "time_to_assign"):
                    self.begin(metric)
                if by == "customer":
                    self.asks()
            case ["customer"]:
                self.asks()
            case ["reply"]:
                self.end("met", *REPLIES)
                self.waiting, self.answered_ever = False, True
                if self.unsolved:
                    self.begin("periodic_update")
                    self.begin("pausable_update")
            case ["queued" | "left"]:
                if self.status != "closed":
                    self.end("cancelled", "time_in_queue")
                    self.begin("time_in_queue")
                self.queued = True
            case ["assigned"]:
                self.end("met", "time_in_queue", "time_to_assign")
                self.assigned, self.queued = True, False
            case ["status", status]:
                self.turns(status)

    def asks(self) -> None:
        if self.waiting:
            return
        self.waiting = True
        if self.unsolved:
            self.begin("next_reply" if self.answered_ever else "first_reply")

    def turns(self, status: str) -> None:
        was_unsolved, self.status = self.unsolved, status
        long = ("requester_wait", "agent_work", "total_resolution")
        if was_unsolved and not self.unsolved:
            self.waiting, self.solved_ever = False, True
            for metric in long:
                if metric in self.live:
                    self.resumed[metric] = self.live[metric].elapsed
            self.end("met" if status == "solved" else "cancelled", *long)
            self.end("cancelled", *REPLIES, "time_to_assign")
        elif self.unsolved and not was_unsolved:
            for metric in long:
                self.begin(metric, self.resumed[metric])
            if self.waiting:
                self.begin("next_reply" if self.answered_ever else "first_reply")
        if status == "closed":
            self.end("cancelled", "time_in_queue")


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[int, str]]:
    """What may happen to a ticket, one thing at a time."""
    told = [(0, draw(st.sampled_from(["opened customer", "opened agent"])))]
    minute, status, is_queued, is_assigned = 0, "new", False, False
    for _ in range(draw(st.integers(1, 14))):
        minute += draw(st.sampled_from([1, 2, 7, 31, 110, 601]))
        choices = ["customer", "reply"]
        choices += [f"status {name}" for name in ("open", "pending", "on_hold", "solved") if name != status]
        if not is_queued and not is_assigned:
            choices.append("queued")
        if is_queued:
            choices.append("assigned")
        if is_assigned:
            choices.append("left")
        if status == "solved":
            choices.append("status closed")
        what = draw(st.sampled_from(choices))
        told.append((minute, what))
        if what.startswith("status"):
            status = what.split()[1]
        is_queued = what in ("queued", "left") or (is_queued and what != "assigned")
        is_assigned = what == "assigned" or (is_assigned and what != "left")
        if status == "closed":
            break
    return told


def told_to_us(story: list[tuple[int, str]], start: int) -> Story:
    told = Story()
    for minute, what in story:
        when = start + minute
        match what.split():
            case ["opened", by]:
                told.opened(when, by_customer=by == "customer")
            case ["customer"]:
                told.customer(when)
            case ["reply"]:
                told.reply(when)
            case ["queued"]:
                told.queued(when)
            case ["left"]:
                told.requeued(when, "assigned")
            case ["assigned"]:
                told.assigned(when)
            case ["status", status]:
                told.status(when, status)
    return told


def counted(tracked: Tracked, until: int) -> list[tuple[str, int, str | None, int | None]]:
    """Every generation of every clock: minutes, how it ended, when it broke."""
    found: list[tuple[str, int, str | None, int | None]] = []
    for clock in tracked.promised():
        for generation in {entry.generation for entry in clock.history}:
            lines = [entry for entry in clock.history if entry.generation == generation]
            ends = [entry for entry in lines if entry.turn in (Turn.MET, Turn.LATE, Turn.CANCELLED)]
            breaks = [(entry.at - at(0)) // minutes(1) for entry in lines if entry.turn is Turn.BREACHED]
            elapsed = ends[0].elapsed if ends else clock.elapsed_at(at(until))[0]
            how = ("cancelled" if ends[0].turn is Turn.CANCELLED else "met") if ends else None
            assert elapsed % minutes(1) == minutes(0)
            found.append((clock.metric.value, elapsed // minutes(1), how, breaks[0] if breaks else None))
    return sorted(found, key=repr)


# Monday noon, a Friday evening, and the nights on which Berlin's clocks change.
STARTS = [
    int((datetime.fromisoformat(text) - at(0)) / minutes(1))
    for text in (
        "2026-06-01T12:00+02:00",
        "2026-06-05T17:30+02:00",
        "2026-03-27T16:00+01:00",
        "2026-10-23T16:00+02:00",
    )
]


@settings(max_examples=150, deadline=None)
@given(
    stories(),
    st.sampled_from(STARTS),
    st.sampled_from([(ALWAYS, lambda _: True), (SPLIT, in_split_hours)]),
    st.sampled_from([5, 60, 500]),
)
def test_the_metrics_count_what_the_oracle_counts(
    story: list[tuple[int, str]], start: int, hours: tuple[Calendar, IsOpen], target: int
) -> None:
    calendar, is_open = hours
    oracle = Oracle(target, is_open)
    until = start + story[-1][0] + 30
    happening = {start + minute: what for minute, what in story}
    for minute in range(start, until):
        if minute in happening:
            oracle.happens(happening[minute])
        oracle.tick(minute)
    oracle.breaks(until)
    expected = [(metric, count.elapsed, count.ended, count.broken_at) for metric, count in oracle.all]
    policy = history(policies(minutes(target), calendar=calendar))
    tracked = anew(a_ticket(), told_to_us(story, start).happenings, policy, until=at(until))
    assert counted(tracked, until) == sorted(expected, key=repr)
