"""Rotations: who is on call, by layers, limits, overrides and edits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.escalation.domain.duty import Duty, Term
from services.escalation.domain.hand_offs import HandOffs, Period
from services.escalation.domain.on_call import Layer, Limit, Override, Rotation, Shift, Why
from shared.calendar import Calendar, parse_hours
from tests.unit.escalation.domain.rotas import BERLIN, a_duty, a_layer, a_rotation, an_override, hand_offs, utc

DAY = timedelta(days=1)
NIGHTS = Calendar(time_zone=BERLIN, weekly=dict.fromkeys(range(7), (parse_hours("22:00-30:00"),)))
OFFICE = Calendar(
    time_zone=BERLIN,
    weekly=dict.fromkeys(range(5), (parse_hours("08:00-18:00"),)),
    closed=frozenset({date(2026, 12, 25)}),
)


def told(shifts: Sequence[Shift]) -> list[tuple[str | None, str]]:
    return [(shift.agent, f"{shift.start:%m-%dT%H:%M}") for shift in shifts]


def test_members_take_turns_in_order() -> None:
    duty = a_duty(a_rotation(a_layer("ada", "ben", "cy")))
    found = list(duty.shifts(utc("2026-01-05T08:00"), utc("2026-02-02T08:00")))
    assert [shift.agent for shift in found] == ["ada", "ben", "cy", "ada"]
    assert {(shift.why, shift.source) for shift in found} == {(Why.LAYER, "main")}


def test_nobody_is_on_call_before_the_first_turn_and_the_fallback_is_where_there_is_one() -> None:
    before = utc("2026-01-05T07:59")
    assert a_duty(a_rotation()).who(before).why is Why.NOBODY
    fallen_back = a_duty(a_rotation(fallback="lena")).who(before)
    assert (fallen_back.agent, fallen_back.why) == ("lena", Why.FALLBACK)


def test_an_upper_layer_beats_a_lower_one_in_its_hours() -> None:
    nights = a_layer("nia", layer_id="nights", limits=(Limit(calendar=NIGHTS),))
    duty = a_duty(a_rotation(nights, a_layer("ada", turns=hand_offs("daily"))))
    found = list(duty.shifts(utc("2026-06-01T12:00"), utc("2026-06-02T12:00")))
    # The day's turn is handed off at nine.
    assert told(found) == [
        ("ada", "06-01T12:00"),
        ("nia", "06-01T20:00"),
        ("ada", "06-02T04:00"),
        ("ada", "06-02T07:00"),
    ]


def test_nights_and_holidays_are_when_the_office_is_closed() -> None:
    layer = a_layer("ada", limits=(Limit(calendar=OFFICE, while_open=False),))
    duty = a_duty(a_rotation(layer))
    found = list(duty.gaps(utc("2026-12-24T00:00"), utc("2026-12-29T00:00")))
    assert told(found) == [(None, "12-24T07:00"), (None, "12-28T07:00")]


def test_an_override_cuts_exactly_what_it_says() -> None:
    override = an_override("zoe", "2026-01-06T10:00", "2026-01-06T12:00")
    duty = a_duty(a_rotation(a_layer("ada")), override)
    assert told(list(duty.shifts(utc("2026-01-06T00:00"), utc("2026-01-07T00:00")))) == [
        ("ada", "01-06T00:00"),
        ("zoe", "01-06T10:00"),
        ("ada", "01-06T12:00"),
    ]
    whole = duty.standing(utc("2026-01-06T11:00"))
    assert (whole.shift.why, whole.since, whole.until) == (Why.OVERRIDE, override.start, override.end)
    assert whole.next is not None
    assert (whole.next.agent, whole.next.end) == ("ada", utc("2026-01-12T08:00"))


def test_overlaps_name_who_is_hidden() -> None:
    nights = a_layer("nia", layer_id="nights", limits=(Limit(calendar=NIGHTS),))
    rotation = a_rotation(nights, a_layer("ada", turns=hand_offs("daily")))
    (overlap,) = rotation.overlaps(utc("2026-06-01T12:00"), utc("2026-06-02T06:00"))
    assert (overlap.upper.agent, overlap.lower.agent) == ("nia", "ada")
    assert (overlap.start, overlap.end) == (utc("2026-06-01T20:00"), utc("2026-06-02T04:00"))


def test_a_shift_is_known_as_a_whole_also_from_within() -> None:
    standing = a_duty(a_rotation(a_layer("ada", "ben"))).standing(utc("2026-03-25T00:00"))
    assert (standing.since, standing.until) == (utc("2026-03-23T08:00"), utc("2026-03-30T07:00"))
    assert standing.next is not None
    assert standing.next.agent != standing.shift.agent


def test_what_never_changes_has_no_beginning_and_no_end() -> None:
    standing = a_duty(a_rotation(a_layer(turns=hand_offs(starts_on="2099-01-01")))).standing(
        utc("2026-03-25T00:00")
    )
    assert (standing.shift.agent, standing.since, standing.until, standing.next) == (None, None, None, None)


# Editing members

EDIT = utc("2026-01-14T12:00")
"""A Wednesday in the second week: ben's turn among ada, ben and cy."""


def edited(before: Layer, after: Layer, since: datetime = EDIT) -> Duty:
    first, then = a_rotation(before), a_rotation(after)
    latest = Term(since=since, rotation=then.continued(first, since))
    return Duty(terms=(Term(since=utc("2026-01-01"), rotation=first), latest))


@pytest.mark.parametrize(
    ("members", "order"),
    [
        (("zoe", "ada", "ben", "cy"), "ben cy zoe ada ben"),
        (("cy", "ben", "ada"), "ben ada cy ben ada"),
        (("ben",), "ben ben ben ben ben"),
        (("ada", "cy"), "cy ada cy ada cy"),
        (("ada", "zoe"), "ada zoe ada zoe ada"),
        (("zoe", "yan"), "zoe yan zoe yan zoe"),
    ],
)
def test_whoever_is_on_stays_on_and_is_followed_at_once_where_they_left(
    members: tuple[str, ...], order: str
) -> None:
    duty = edited(a_layer("ada", "ben", "cy"), a_layer(*members))
    assert duty.who(EDIT - timedelta(seconds=1)).agent == "ben"
    assert " ".join(str(duty.who(EDIT + week * 7 * DAY).agent) for week in range(5)) == order
    stays = "ben" in members
    assert duty.standing(EDIT).since == (utc("2026-01-12T08:00") if stays else EDIT)
    assert duty.standing(EDIT).until == utc("2026-01-19T08:00")


def test_other_hand_offs_keep_who_is_on_until_the_next_of_them() -> None:
    after = a_layer("ada", "ben", "cy", turns=hand_offs("daily", at="18:00"))
    duty = edited(a_layer("ada", "ben", "cy"), after)
    assert told(list(duty.shifts(EDIT - DAY, EDIT + 2 * DAY))) == [
        ("ben", "01-13T12:00"),
        ("cy", "01-14T17:00"),
        ("ada", "01-15T17:00"),
    ]


def test_whoever_is_on_stays_on_where_the_new_first_turn_is_yet_to_come() -> None:
    since = utc("2026-01-05T12:00")
    after = a_layer("ada", "ben", turns=hand_offs(weekday=3))
    duty = edited(a_layer("ada", "ben"), after, since)
    assert told(list(duty.shifts(since, utc("2026-01-16")))) == [
        ("ada", "01-05T12:00"),
        ("ben", "01-08T08:00"),
        ("ada", "01-15T08:00"),
    ]


def test_a_new_beginning_begins_anew() -> None:
    after = a_layer("ada", "ben", "cy", turns=hand_offs(starts_on="2026-01-12"))
    assert edited(a_layer("ada", "ben", "cy"), after).who(EDIT).agent == "ada"


def test_the_past_stays_what_it_was() -> None:
    before = a_layer("ada", "ben", "cy")
    duty = edited(before, a_layer("zoe"))
    span = utc("2026-01-06"), EDIT
    assert list(duty.shifts(*span)) == list(a_duty(a_rotation(before)).shifts(*span))
    assert duty.who(utc("2025-12-31")).agent is None


# Algebra

AGENTS = ("ada", "ben", "cy", "dan", "eve")
START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTES = 75 * 24 * 60

limits = st.lists(
    st.builds(Limit, calendar=st.sampled_from([NIGHTS, OFFICE]), while_open=st.booleans()), max_size=2
).map(tuple)
layers = st.builds(
    Layer,
    layer_id=st.just("x"),
    members=st.lists(st.sampled_from(AGENTS), min_size=1, max_size=5, unique=True).map(tuple),
    hand_offs=st.builds(
        HandOffs,
        period=st.sampled_from(Period),
        every=st.integers(1, 3),
        minute=st.integers(0, 1439),
        starts_on=st.dates(date(2026, 1, 1), date(2026, 5, 1)),
        time_zone=st.sampled_from([BERLIN, "America/New_York", "Asia/Kolkata"]),
    ),
    limits=limits,
    offset=st.integers(0, 4),
)


@st.composite
def rotations(draw: st.DrawFn) -> Rotation:
    drawn = draw(st.lists(layers, min_size=1, max_size=3))
    named = tuple(replace(layer, layer_id=f"layer-{index}") for index, layer in enumerate(drawn))
    return Rotation(rotation_id="desk", layers=named, fallback=draw(st.none() | st.just("lena")))


@st.composite
def overrides(draw: st.DrawFn) -> tuple[Override, ...]:
    edges = sorted(draw(st.sets(st.integers(0, MINUTES), max_size=6)))
    return tuple(
        Override(
            override_id=str(start),
            agent=draw(st.sampled_from(AGENTS)),
            start=START + timedelta(minutes=start),
            end=START + timedelta(minutes=end),
        )
        for start, end in zip(edges[::2], edges[1::2], strict=False)
    )


spans = st.tuples(st.integers(0, MINUTES), st.integers(1, 40 * 24 * 60)).map(
    lambda span: (START + timedelta(minutes=span[0]), START + timedelta(minutes=span[0] + span[1]))
)


def whose_turn(layer: Layer, at: datetime) -> str | None:
    """Hand-off after hand-off, as people do it."""
    if not all(limit.calendar.standing(at)[0] is limit.while_open for limit in layer.limits):
        return None
    turn, on = 0, None
    while layer.hand_offs.at(turn) <= at:
        on = layer.members[(turn + layer.offset) % len(layer.members)]
        turn += 1
    return on


def oracle(rotation: Rotation, cut: Sequence[Override], at: datetime) -> str | None:
    for override in cut:
        if override.start <= at < override.end:
            return override.agent
    return next((agent for layer in rotation.layers if (agent := whose_turn(layer, at))), rotation.fallback)


@given(rotations(), overrides(), spans)
def test_shifts_part_the_time_between_them(
    rotation: Rotation, cut: tuple[Override, ...], span: tuple[datetime, datetime]
) -> None:
    found = list(a_duty(rotation, *cut).shifts(*span))
    assert (found[0].start, found[-1].end) == span
    assert all(one.end == two.start for one, two in pairwise(found))
    assert all(shift.start < shift.end for shift in found)


@given(rotations(), overrides(), spans, st.data())
def test_whoever_has_the_shift_is_who_is_on_call(
    rotation: Rotation, cut: tuple[Override, ...], span: tuple[datetime, datetime], data: st.DataObject
) -> None:
    duty = a_duty(rotation, *cut)
    shift = data.draw(st.sampled_from(list(duty.shifts(*span))))
    at = data.draw(st.sampled_from([shift.start, shift.end - timedelta(microseconds=1)]))
    assert duty.who(at).agent == shift.agent == oracle(rotation, cut, at)
    standing = duty.standing(at)
    assert standing.since is None or standing.since <= shift.start
    assert standing.until is None or standing.until >= shift.end


@given(rotations(), overrides(), spans)
def test_an_override_changes_nothing_beside_itself(
    rotation: Rotation, cut: tuple[Override, ...], span: tuple[datetime, datetime]
) -> None:
    for shift in a_duty(rotation, *cut).shifts(*span):
        if shift.why is not Why.OVERRIDE:
            assert a_duty(rotation).who(shift.start).agent == shift.agent


@given(layers, st.integers(0, 30))
def test_everybody_has_as_many_turns(layer: Layer, turn: int) -> None:
    rounds = 3
    turns = Counter(layer.member(number) for number in range(turn, turn + rounds * len(layer.members)))
    assert turns == dict.fromkeys(layer.members, rounds)


@given(rotations(), st.lists(st.tuples(st.integers(0, MINUTES), st.none() | rotations()), max_size=4))
def test_no_edit_changes_the_past(first: Rotation, edits: list[tuple[int, Rotation | None]]) -> None:
    terms: tuple[Term, ...] = (Term(since=START, rotation=first),)
    for minute, rotation in sorted(edits, key=lambda edit: edit[0]):
        since = START + timedelta(minutes=minute + 1)
        before = terms[-1].rotation
        continued = rotation.continued(before, since) if rotation and before else rotation
        after = (*terms, Term(since=since, rotation=continued))
        span = START - DAY, since
        assert list(Duty(terms=after).shifts(*span)) == list(Duty(terms=terms).shifts(*span))
        terms = after
    found = list(Duty(terms=terms).shifts(START - DAY, START + 90 * DAY))
    assert all(one.end == two.start for one, two in pairwise(found))


@given(layers, layers, st.integers(0, MINUTES))
def test_an_edit_keeps_who_is_on_as_long_as_they_are_members(before: Layer, after: Layer, minute: int) -> None:
    since = START + timedelta(minutes=minute)
    after = replace(after, offset=0, hand_offs=replace(after.hand_offs, starts_on=before.hand_offs.starts_on))
    holder = before.member(before.hand_offs.number(since))
    continued = after.continued(before, since)
    if holder in after.members:
        assert continued.member(continued.hand_offs.number(since)) == holder
