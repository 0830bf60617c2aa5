"""Who was, is and will be on call for something: the versions of its rotation, one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from services.escalation.domain.on_call import Override, Rotation, Shift, Why
from services.escalation.domain.sla_policy import PolicyHistory

LOOKBACKS = tuple(timedelta(days=days) for days in (2, 9, 40, 400))
"""How far back the beginning of a shift is looked for."""
LOOKAHEAD = timedelta(days=400)
EARLIEST, LATEST = datetime(2001, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
"""For which moments people may ask who is on call: hand-offs are counted on a calendar that ends."""
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A version of a rotation and since when it holds. rotation: none while there is none"""

    since: datetime
    rotation: Rotation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who is on call at a moment, and who comes next.

    since, until: of the whole shift; none where it began or ends more than 400 days away
    """

    shift: Shift
    since: datetime | None
    until: datetime | None
    next: Shift | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What somebody is on call for.

    terms: the oldest first; what changed nothing is left out
    overrides: those that were ever in force, as far as they were; none of them overlap
    """

    terms: tuple[Term, ...]
    overrides: Sequence[Override] = ()

    def rotation(self, at: datetime) -> Rotation | None:
        """The version that held at a moment; none where there was none."""
        held = [term.rotation for term in takewhile(lambda term: term.since <= at, self.terms)]
        return held[-1] if held else None

    def who(self, at: datetime) -> Shift:
        """The shift of a moment, from that moment on."""
        return next(self.shifts(at, at + _MOMENT))

    def shifts(self, start: datetime, end: datetime) -> Iterator[Shift]:
        """All of [start, end) in order, by what held at each moment; also where nobody is."""
        last: Shift | None = None
        for shift in self._by_term(start, end):
            if last is None:
                last = shift
            elif shift.continues(last) and not self._hands_off(shift):
                last = replace(last, end=shift.end)
            else:
                yield last
                last = shift
        if last is not None:
            yield last

    def whole_shifts(self, start: datetime, end: datetime) -> Iterator[Shift]:
        """The shifts of [start, end), those at its edges in full length."""
        return self.shifts(self._since(start) or start, self.standing(end - _MOMENT).until or end)

    def gaps(self, start: datetime, end: datetime) -> Iterator[Shift]:
        """The stretches of [start, end) in which nobody is on call."""
        return (shift for shift in self.shifts(start, end) if shift.agent is None)

    def standing(self, at: datetime) -> Standing:
        """The whole shift of a moment, however long ago it began, and the one after it."""
        ahead = self.shifts(at, at + LOOKAHEAD)
        current, following = next(ahead), next(ahead, None)
        return Standing(
            shift=current, since=self._since(at), until=current.end if following else None, next=following
        )

    def _since(self, at: datetime) -> datetime | None:
        for lookback in LOOKBACKS:
            *_, last = self.shifts(at - lookback, at + _MOMENT)
            if last.start > at - lookback:
                return last.start
        return None

    def _by_term(self, start: datetime, end: datetime) -> Iterator[Shift]:
        at = start
        for index, term in enumerate(self.terms):
            ends = self.terms[index + 1].since if index + 1 < len(self.terms) else end
            until = min(ends, end)
            begins = max(at, term.since)
            if begins >= until:
                continue
            if at < begins:
                yield Shift(start=at, end=begins, agent=None, why=Why.NOBODY)
            yield from _shifts(term.rotation, begins, until, self.overrides)
            at = until
        if at < end:
            yield Shift(start=at, end=end, agent=None, why=Why.NOBODY)

    def _hands_off(self, shift: Shift) -> bool:
        """Whether a shift begins with a hand-off: then it is another turn, also where one follows themselves."""
        rotation = self.rotation(shift.start)
        layers = rotation.layers if rotation else ()
        turns = (layer.hand_offs for layer in layers if layer.layer_id == shift.source)
        return any(hand_offs.at(hand_offs.number(shift.start)) == shift.start for hand_offs in turns)


def duty_of(history: PolicyHistory, rotation_id: str, overrides: Sequence[Override] = ()) -> Duty:
    """What a workspace's service levels have said of a rotation."""
    terms: list[Term] = []
    for policies in history.versions:
        rotation = policies.rotations.get(rotation_id)
        if not terms or terms[-1].rotation != rotation:
            terms.append(Term(since=policies.since, rotation=rotation))
    return Duty(terms=tuple(terms), overrides=overrides)


def _shifts(
    rotation: Rotation | None, start: datetime, end: datetime, overrides: Sequence[Override]
) -> Iterator[Shift]:
    if rotation is None:
        return iter([Shift(start=start, end=end, agent=None, why=Why.NOBODY)])
    return rotation.shifts(start, end, overrides)
