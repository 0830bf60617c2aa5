"""The bytes that this process has in hand of what comes in, bounded however much comes at once.

They are counted while they are read, and until they are stored. Who reads for long makes room: a stranger whose
bytes drip keeps nobody out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from shared.clock import monotonic
from shared.errors import Unavailable

_PATIENCE_S = 5.0


class BytesInHand:
    """What one kind of door may hold.

    most: bytes, all together; patience_s: who reads for longer makes room where there is none
    """

    def __init__(self, most: int, *, patience_s: float = _PATIENCE_S) -> None:
        self.most = most
        self._patience_s = patience_s
        self._reading: dict[Gathering, float] = {}
        self.size = 0

    @contextmanager
    def gathering(self) -> Iterator["Gathering"]:
        """One thing that comes in, for as long as it is in hand."""
        gathering = Gathering(self)
        self.begin(gathering)
        try:
            yield gathering
        finally:
            gathering.clear()
            self.end(gathering)

    def begin(self, gathering: "Gathering") -> None:
        """It is being read."""
        self._reading[gathering] = monotonic()

    def end(self, gathering: "Gathering") -> None:
        """It is not being read any more, and makes no room."""
        self._reading.pop(gathering, None)

    def take(self, size: int) -> None:
        """Counts bytes. Raises Unavailable where there is no room for them."""
        while self.size + size > self.most:
            long_ago = monotonic() - self._patience_s
            slow = [one for one, began in self._reading.items() if began <= long_ago and one.size]
            if not slow:
                raise Unavailable("Too much at once.")
            slow[0].lose()
        self.size += size

    def give_back(self, size: int) -> None:
        """They are gone."""
        self.size -= size


class Gathering:
    """What has come of one thing. size: bytes of it that are in hand"""

    def __init__(self, all_of_them: BytesInHand) -> None:
        self._all = all_of_them
        self._content = BytesIO()
        self._is_lost = False
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Raises Unavailable where there is no room, or what came before has made room for others: it is lost."""
        if not self._is_lost:
            try:
                self._all.take(len(piece))
            except Unavailable:
                self.lose()
            else:
                # Taking may have made room at this one's own cost.
                self.size += len(piece)
                self._content.write(piece)
        if self._is_lost:
            self.clear()
            raise Unavailable("Too much at once.")

    def whole(self) -> bytes:
        """All that came, which stays in hand and makes no room any more."""
        self._all.end(self)
        # Handed over, not copied: large ones would be there twice, and hold up the event loop.
        content, self._content = self._content.getvalue(), BytesIO()
        return content

    def clear(self) -> None:
        """Forgets what came."""
        self._all.give_back(self.size)
        self._content = BytesIO()
        self.size = 0

    def lose(self) -> None:
        """Makes room for good."""
        self._is_lost = True
        self._all.end(self)
        self.clear()
