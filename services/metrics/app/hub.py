"""The streams of one shard, for as long as it is held under one epoch."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.metrics.app.boards import Boards
from services.metrics.app.feed import Feed, RingLimits, Subscription
from services.metrics.app.watch import Query
from shared.clock import monotonic

_CURSOR = re.compile(r"(\d{1,18})-(\d{1,18})\Z", re.ASCII)
_IDLE_MAX = 200
"""Streams without a listener that are kept for those who come back."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A client on its stream."""

    workspace_id: str
    feed: Feed
    subscription: Subscription


class Hub:
    """Feeds by workspace and query. Numbers rise over all feeds of a workspace, whatever boards come and go.

    is_stale: whether what was read from the topics is too far behind
    """

    def __init__(
        self, epoch: int, limits: RingLimits, *, now: Callable[[], datetime], is_stale: Callable[[], bool]
    ) -> None:
        self._epoch = epoch
        self._limits = limits
        self._now = now
        self.is_stale = is_stale
        self._numbers: Counter[str] = Counter()
        self._feeds: dict[tuple[str, Query], Feed] = {}
        self.arrivals: Callable[[], None] = lambda: None
        """Called when a first listener comes, who needs the time to tick."""

    def cursor(self, number: int) -> str:
        """A number as clients see it."""
        return f"{self._epoch}-{number}"

    @property
    def has_listeners(self) -> bool:
        """Whether anybody listens to any stream."""
        return any(feed.has_listeners for feed in self._feeds.values())

    def subscribe(self, boards: Boards, workspace_id: str, query: Query, last_event_id: str | None) -> Listener:
        """A new client. `last_event_id` is what it saw last, whatever that may be."""
        after, reason = self._position(workspace_id, last_event_id)
        key = workspace_id, query
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = Feed(query, self._limits, lambda: self._next(workspace_id))
        now = self._now()
        board = boards.of(workspace_id)
        board.advance(now)
        subscription = feed.subscribe(board, after, reason, now=now, at=monotonic(), is_stale=self.is_stale())
        self.arrivals()
        return Listener(workspace_id, feed, subscription)

    def leave(self, listener: Listener) -> None:
        """A client went. Its stream stays for a while."""
        listener.feed.leave(listener.subscription, monotonic())
        self._forget_idle()

    def push(self, boards: Boards, *, is_tick: bool) -> int:
        """Tells every listener what has changed; how many frames went out.

        is_tick: time has passed for whatever waits
        """
        now, is_stale, sent = self._now(), self.is_stale(), 0
        for workspace_id, feeds in self._listened().items():
            board = boards.of(workspace_id)
            board.advance(now)
            if is_tick:
                board.age()
            for feed in feeds:
                sent += feed.push(board, now=now, at=monotonic(), is_stale=is_stale)
        return sent

    def end(self) -> None:
        """Sends every client away: the shard stops here, or starts anew."""
        for feed in self._feeds.values():
            feed.end()

    def _listened(self) -> Mapping[str, list[Feed]]:
        listened: dict[str, list[Feed]] = {}
        for (workspace_id, _), feed in self._feeds.items():
            if feed.has_listeners:
                listened.setdefault(workspace_id, []).append(feed)
        return listened

    def _position(self, workspace_id: str, last_event_id: str | None) -> tuple[int | None, str | None]:
        """The number that a client names, or why it cannot be used."""
        if last_event_id is None:
            return None, None
        match = _CURSOR.match(last_event_id)
        if match is None:
            return None, "unknown"
        if int(match[1]) != self._epoch:
            return None, "other_epoch"
        if int(match[2]) > self._numbers[workspace_id]:
            return None, "future"
        return int(match[2]), None

    def _next(self, workspace_id: str) -> int:
        self._numbers[workspace_id] += 1
        return self._numbers[workspace_id]

    def _forget_idle(self) -> None:
        idle = sorted(
            ((feed.used_at, key) for key, feed in self._feeds.items() if not feed.has_listeners),
            key=lambda item: item[0],
        )
        oldest = monotonic() - self._limits.age_s
        for index, (used_at, key) in enumerate(idle):
            if used_at < oldest or index < len(idle) - _IDLE_MAX:
                del self._feeds[key]
