"""One query's stream: frames of what changed, a ring of the last of them, and who listens.

Frames carry absolute values by key, so several can be put together into one, and one that comes twice is
harmless.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.metrics.app.board import Board
from services.metrics.app.watch import Key, Query, Watch
from services.metrics.domain.kpi import Value
from shared.wakeups import Wakeup

_QUEUE_MAX = 32
"""Frames that wait for a slow client one by one; past it they are put together."""


@dataclass(slots=True, kw_only=True)
class Frame:
    """What changed, up to a moment.

    number: rises strictly within the workspace, over all its streams
    reason: why a snapshot is sent to somebody who asked for what came after a cursor
    """

    number: int
    at: float
    as_of: datetime
    is_stale: bool
    values: Mapping[Key, Value]
    is_snapshot: bool = False
    reason: str | None = None
    encoded: bytes | None = field(default=None, repr=False)
    """As it goes out. Made once for all who get it."""


def together(frames: Sequence[Frame]) -> Frame:
    """One frame that says what these say."""
    values: dict[Key, Value] = {}
    for frame in frames:
        values |= frame.values
    last = frames[-1]
    return Frame(number=last.number, at=last.at, as_of=last.as_of, is_stale=last.is_stale, values=values)


class Subscription:
    """One client: the frames that it has not taken yet."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = deque(frames)
        self._bell = Wakeup()
        self.is_over = False
        if self._frames:
            self._bell.ring()

    def offer(self, frame: Frame) -> None:
        """One more frame. A client that falls behind gets fewer, fuller ones."""
        self._frames.append(frame)
        deltas = [waiting for waiting in self._frames if not waiting.is_snapshot]
        if len(deltas) > _QUEUE_MAX:
            snapshots = [waiting for waiting in self._frames if waiting.is_snapshot]
            self._frames = deque([*snapshots, together(deltas)])
        self._bell.ring()

    def end(self) -> None:
        """No more frames come."""
        self.is_over = True
        self._bell.ring()

    async def next(self, timeout_s: float) -> Frame | None:
        """The next frame; none within the time, or at the end."""
        if not self._frames and not self.is_over:
            await self._bell.wait(timeout_s)
        return self._frames.popleft() if self._frames else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RingLimits:
    """How much a stream keeps for those who come back."""

    age_s: float
    values: int


class Feed:
    """One query in one workspace."""

    def __init__(self, query: Query, limits: RingLimits, next_number: Callable[[], int]) -> None:
        self.used_at = 0.0
        self._watch = Watch(query)
        self._limits = limits
        self._next_number = next_number
        self._ring: deque[Frame] = deque()
        self._ring_values = 0
        self._is_stale = False
        self._has_begun = False
        self._subscriptions: set[Subscription] = set()

    @property
    def has_listeners(self) -> bool:
        """Whether anybody gets what it says."""
        return bool(self._subscriptions)

    def push(self, board: Board, *, now: datetime, at: float, is_stale: bool) -> int:
        """Tells everybody what has changed since the last look; how many frames went out."""
        frame = self._frame(board, now=now, at=at, is_stale=is_stale)
        if frame is None:
            return 0
        for subscription in self._subscriptions:
            subscription.offer(frame)
        return len(self._subscriptions)

    def subscribe(
        self, board: Board, after: int | None, reason: str | None, *, now: datetime, at: float, is_stale: bool
    ) -> Subscription:
        """A new client: what came after a number where that is still known, a snapshot otherwise.

        reason: why `after` is not to be used, where the client named something
        """
        if self._has_begun:
            self.push(board, now=now, at=at, is_stale=is_stale)
        else:
            self._watch.look(board)
            self._is_stale, self._has_begun = is_stale, True
        frames = self._since(after) if after is not None else None
        if frames is None:
            if after is not None:
                is_forgotten = not self._ring or after < self._ring[0].number
                reason = "too_old" if is_forgotten else "other_stream"
            frames = [self._snapshot(now=now, at=at, reason=reason)]
        subscription = Subscription(frames)
        self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: Subscription, at: float) -> None:
        """A client went."""
        self._subscriptions.discard(subscription)
        self.used_at = at

    def end(self) -> None:
        """Everybody is sent away."""
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()

    def _frame(self, board: Board, *, now: datetime, at: float, is_stale: bool) -> Frame | None:
        changed = self._watch.look(board)
        if not changed and is_stale == self._is_stale:
            return None
        self._is_stale = is_stale
        frame = Frame(number=self._next_number(), at=at, as_of=now, is_stale=is_stale, values=changed)
        self._keep(frame)
        return frame

    def _snapshot(self, *, now: datetime, at: float, reason: str | None) -> Frame:
        number = self._next_number()
        snapshot = Frame(
            number=number,
            at=at,
            as_of=now,
            is_stale=self._is_stale,
            values=dict(self._watch.values),
            is_snapshot=True,
            reason=reason,
        )
        # In the ring it is only a place to come back to: it says nothing that others have not got.
        self._keep(replace(snapshot, values={}))
        return snapshot

    def _since(self, number: int) -> list[Frame] | None:
        """The frames after one that this stream has sent; none where it has not, or has forgotten."""
        numbers = [frame.number for frame in self._ring]
        if number not in numbers:
            return None
        later = [frame for frame in list(self._ring)[numbers.index(number) + 1 :] if not frame.is_snapshot]
        return [together(later)] if len(later) > _QUEUE_MAX else later

    def _keep(self, frame: Frame) -> None:
        self._ring.append(frame)
        self._ring_values += len(frame.values)
        while self._ring and (
            self._ring[0].at < frame.at - self._limits.age_s or self._ring_values > self._limits.values
        ):
            self._ring_values -= len(self._ring.popleft().values)
