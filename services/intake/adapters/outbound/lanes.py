"""The lanes of one shard: for each channel how much may leave by it at this moment."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.intake.adapters.outbound.queue import LaneKey, Waiting
from services.intake.domain.lane import Lane
from services.intake.domain.provider import pace_of
from services.intake.domain.workspace import Workspace

MOST_UNDER_WAY = 256
"""Of all channels of a shard. One that is ill has one of them, so that ill ones do not take them all."""

MOST_OF_ONE = 64
"""Of all channels of one workspace, so that it does not take them all either."""


class Lanes:
    """Lanes are kept in memory: who takes over a shard begins with full ones."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}
        self._under_way: Counter[str] = Counter()
        """By workspace."""

    def ready(self, waiting: Sequence[Waiting], now: datetime) -> list[LaneKey]:
        """Those of the channels with something due that may have room."""
        if self._is_full:
            return []
        return [one.lane for one in waiting if one.due_at <= now and self._may_begin(one.lane, now)]

    def rooms(
        self, keys: Sequence[LaneKey], configured: Mapping[str, Workspace], now: datetime
    ) -> dict[LaneKey, tuple[Lane, int]]:
        """These lanes at this moment, at the pace that is configured, and how much may begin by each.

        Only those with room. Together it is no more than there is left of all, and of each workspace.
        """
        lanes = {}
        left = MOST_UNDER_WAY - self._under_way.total()
        left_of = {key[0]: MOST_OF_ONE - self._under_way[key[0]] for key in keys}
        for key in keys:
            channel = configured[key[0]].channels.get(key[1])
            pace, now_s = pace_of(channel.sender if channel else None), now.timestamp()
            lane = self._lanes[key].at(now_s, pace) if key in self._lanes else Lane.opened(pace, now_s)
            room = min(lane.room(), left, left_of[key[0]])
            if room > 0:
                lanes[key] = lane, room
                left -= room
                left_of[key[0]] -= room
        return lanes

    def began(self, key: LaneKey, lane: Lane, count: int) -> None:
        """So many attempts begin by a lane of `rooms`."""
        self._lanes[key] = lane.began(count)
        self._under_way[key[0]] += count

    def ended(self, key: LaneKey, now: datetime, *, is_well: bool, hold_s: float = 0.0) -> None:
        """One attempt has ended."""
        lane = self._lanes[key]
        self._lanes[key] = lane.at(now.timestamp(), lane.per_second).ended(is_well=is_well, hold_s=hold_s)
        self._under_way[key[0]] -= 1
        if not self._under_way[key[0]]:
            del self._under_way[key[0]]

    def wait_s(self, waiting: Sequence[Waiting], now: datetime) -> float | None:
        """How long until something may leave; None where nothing waits but for attempts to end."""
        if self._is_full:
            return None
        waits = []
        for one in waiting:
            if self._is_full_of(one.lane[0]):
                continue
            due_s = (one.due_at - now).total_seconds()
            lane = self._lanes.get(one.lane)
            room_s = lane.at(now.timestamp(), lane.per_second).wait_s() if lane else 0.0
            if room_s is not None:
                waits.append(max(due_s, room_s))
        return min(waits, default=None)

    def forget_idle(self, now: datetime) -> None:
        """Drops lanes that are as good as new."""
        idle = [key for key, lane in self._lanes.items() if lane.at(now.timestamp(), lane.per_second).is_idle]
        for key in idle:
            del self._lanes[key]

    @property
    def _is_full(self) -> bool:
        return self._under_way.total() >= MOST_UNDER_WAY

    def _is_full_of(self, workspace_id: str) -> bool:
        return self._under_way[workspace_id] >= MOST_OF_ONE

    def _may_begin(self, key: LaneKey, now: datetime) -> bool:
        if self._is_full_of(key[0]):
            return False
        lane = self._lanes.get(key)
        return lane is None or lane.at(now.timestamp(), lane.per_second).room() > 0
