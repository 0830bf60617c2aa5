"""Who is on call: rotations of layers in which people take turns, by hand-offs on a local clock.

An override beats the top layer, that the layers below it, those the fallback. Whose turn it is follows from
how many hand-offs there were, never from how many seconds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import combinations

from services.escalation.domain.hand_offs import HandOffs
from shared.calendar import HORIZON, Calendar


class Why(StrEnum):
    """What puts somebody on call."""

    OVERRIDE = "override"
    LAYER = "layer"
    FALLBACK = "fallback"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A stretch of time and who is on call in it. agent: none in a gap; source: the layer's or override's id"""

    start: datetime
    end: datetime
    agent: str | None
    why: Why
    source: str | None = None

    def continues(self, before: "Shift") -> bool:
        """Whether it is the same as one that ends where it begins."""
        return before.end == self.start and self == replace(before, start=self.start, end=self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody in place of whoever's turn it is."""

    override_id: str
    agent: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A layer counts only while a calendar is open, or only while it is closed, as for nights and holidays."""

    calendar: Calendar
    while_open: bool = True

    def within(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The stretches of [start, end) in which the layer counts."""
        at = start
        while at < end:
            is_open, turns_at = self.calendar.standing(at)
            until = min(end, turns_at or at + HORIZON)
            if is_open is self.while_open:
                yield at, until
            at = until


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """People who take turns.

    offset: who is on at hand-off 0, so that editing members keeps who is on; first_turn: nobody is on before it
    """

    layer_id: str
    members: tuple[str, ...]
    hand_offs: HandOffs
    limits: tuple[Limit, ...] = ()
    offset: int = 0
    first_turn: int = 0

    def member(self, turn: int) -> str | None:
        """Whose turn it is."""
        return self.members[(turn + self.offset) % len(self.members)] if turn >= self.first_turn else None

    def shifts(self, start: datetime, end: datetime) -> Iterator[Shift]:
        """Who is on in [start, end), in order; nothing where nobody is."""
        turn = max(self.first_turn, self.hand_offs.number(start))
        begins = self.hand_offs.at(turn)
        while begins < end:
            ends = self.hand_offs.at(turn + 1)
            agent = self.member(turn)
            for opens, closes in self._limited(max(begins, start), min(ends, end), self.limits):
                yield Shift(start=opens, end=closes, agent=agent, why=Why.LAYER, source=self.layer_id)
            turn, begins = turn + 1, ends

    def continued(self, before: "Layer", since: datetime) -> "Layer":
        """This layer in place of an older version of it: whoever is on stays on until the next hand-off.

        Whoever has left is followed at once by the next in the old order who is still there. A new `starts_on`
        begins anew.
        """
        if replace(self, offset=before.offset, first_turn=before.first_turn) == before:
            return before
        number = before.hand_offs.number(since)
        holder = before.member(number)
        if self.hand_offs.starts_on != before.hand_offs.starts_on or holder is None:
            return self
        at = before.members.index(holder)
        heirs = (*before.members[at:], *before.members[:at])
        heir = next((agent for agent in heirs if agent in self.members), self.members[0])
        turn = self.hand_offs.number(since)
        return replace(self, offset=(self.members.index(heir) - turn) % len(self.members), first_turn=min(0, turn))

    def _limited(
        self, start: datetime, end: datetime, limits: tuple[Limit, ...]
    ) -> Iterator[tuple[datetime, datetime]]:
        if start >= end:
            return
        if not limits:
            yield start, end
            return
        for opens, closes in limits[0].within(start, end):
            yield from self._limited(opens, closes, limits[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """A stretch in which an upper layer hides a lower one."""

    start: datetime
    end: datetime
    upper: Shift
    lower: Shift


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Who is on call for something. layers: the top one first; fallback: who is on where no layer has anybody"""

    rotation_id: str
    layers: tuple[Layer, ...]
    fallback: str | None = None

    def shifts(self, start: datetime, end: datetime, overrides: Sequence[Override] = ()) -> Iterator[Shift]:
        """All of [start, end) in order, with who is on and why; also where nobody is.

        overrides: none of them overlap
        """
        sources: list[Source] = [_overriding(overrides), *(layer.shifts for layer in self.layers)]
        if self.fallback is not None:
            sources.append(_always(Why.FALLBACK, self.fallback))
        return _first_of((*sources, _always(Why.NOBODY, None)), start, end)

    def overlaps(self, start: datetime, end: datetime) -> Iterator[Overlap]:
        """Stretches in which two layers have somebody, by pairs of layers."""
        for upper, lower in combinations(self.layers, 2):
            for on in upper.shifts(start, end):
                for hidden in lower.shifts(on.start, on.end):
                    yield Overlap(start=hidden.start, end=hidden.end, upper=on, lower=hidden)

    def continued(self, before: "Rotation", since: datetime) -> "Rotation":
        """This rotation in place of an older version of it."""
        known = {layer.layer_id: layer for layer in before.layers}
        layers = (
            layer.continued(known[layer.layer_id], since) if layer.layer_id in known else layer
            for layer in self.layers
        )
        after = replace(self, layers=tuple(layers))
        return before if after == before else after


Source = Callable[[datetime, datetime], Iterator[Shift]]
"""Who is on between two instants, in order, as far as it says."""


def _first_of(sources: Sequence[Source], start: datetime, end: datetime) -> Iterator[Shift]:
    """What the first source says, and where it says nothing, the next."""
    if not sources:
        return
    at = start
    for shift in sources[0](start, end):
        if at < shift.start:
            yield from _first_of(sources[1:], at, shift.start)
        yield shift
        at = shift.end
    if at < end:
        yield from _first_of(sources[1:], at, end)


def _overriding(overrides: Sequence[Override]) -> Source:
    ordered = sorted(overrides, key=lambda override: override.start)

    def shifts(start: datetime, end: datetime) -> Iterator[Shift]:
        for override in ordered:
            begins, ends = max(start, override.start), min(end, override.end)
            if begins < ends:
                yield Shift(
                    start=begins, end=ends, agent=override.agent, why=Why.OVERRIDE, source=override.override_id
                )

    return shifts


def _always(why: Why, agent: str | None) -> Source:
    def shifts(start: datetime, end: datetime) -> Iterator[Shift]:
        yield Shift(start=start, end=end, agent=agent, why=why)

    return shifts
