"""How much may leave by one channel at a time: a token bucket, a few at once, and patience with who is ill.

Each channel has its own, so that a vendor who is slow or gone holds up nobody else. Times are seconds of a
clock that only grows.
"""

from dataclasses import dataclass, replace

AT_ONCE = 8
"""Attempts under way by one channel."""

_ALMOST = 1e-6
"""A token that is missing so little of itself is there: sums of floats are not exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A channel's way out as it stands at a moment.

    tokens: what may begin at once; under_way: attempts without an end; held_until_s: when the provider wants to
    hear of us again; is_well: whether the last attempt reached its end, otherwise it is probed one by one
    """

    per_second: float
    tokens: float
    at_s: float
    under_way: int = 0
    held_until_s: float = 0.0
    is_well: bool = True

    @classmethod
    def opened(cls, per_second: float, now_s: float) -> "Lane":
        """A lane that nothing has left by."""
        return cls(per_second=per_second, tokens=_burst(per_second), at_s=now_s)

    @property
    def is_idle(self) -> bool:
        """Whether forgetting it changes nothing."""
        is_full = self.tokens >= _burst(self.per_second) - _ALMOST
        return is_full and self.under_way == 0 and self.is_well and self.held_until_s <= self.at_s

    def at(self, now_s: float, per_second: float) -> "Lane":
        """The lane at a later moment; per_second: the pace that holds from then on."""
        tokens = self.tokens + max(0.0, now_s - self.at_s) * self.per_second
        return replace(
            self, tokens=min(tokens, _burst(per_second)), at_s=max(now_s, self.at_s), per_second=per_second
        )

    def room(self) -> int:
        """How many attempts may begin at its moment."""
        if self.held_until_s > self.at_s:
            return 0
        slots = (AT_ONCE if self.is_well else 1) - self.under_way
        return max(0, min(slots, int(self.tokens + _ALMOST)))

    def wait_s(self) -> float | None:
        """How long until there is room again; None where an attempt has to end first."""
        if self.under_way >= (AT_ONCE if self.is_well else 1):
            return None
        missing = max(0.0, 1.0 - self.tokens) / self.per_second
        return max(missing, self.held_until_s - self.at_s)

    def began(self, count: int) -> "Lane":
        """After so many attempts began."""
        return replace(self, tokens=self.tokens - count, under_way=self.under_way + count)

    def ended(self, *, is_well: bool, hold_s: float = 0.0) -> "Lane":
        """After one attempt ended. hold_s: for how long nothing is to leave by this channel"""
        return replace(
            self,
            under_way=self.under_way - 1,
            is_well=is_well,
            held_until_s=max(self.held_until_s, self.at_s + hold_s if hold_s else 0.0),
        )


def _burst(per_second: float) -> float:
    return max(1.0, per_second)
