"""How often something may happen."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """A token bucket: `most` at once, `per_s` a second in the long run."""

    most: float
    per_s: float
    _left: float = field(init=False)
    _at: float | None = None

    def __post_init__(self) -> None:
        self._left = self.most

    def take(self, now: float) -> float:
        """Takes one: 0.0, or how many seconds until there is one, and then none is taken."""
        if self._at is not None:
            self._left = min(self.most, self._left + (now - self._at) * self.per_s)
        self._at = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self.per_s
