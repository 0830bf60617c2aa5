"""How often callers are written to."""

from collections import Counter
from datetime import datetime
from typing import cast

from services.intake.app.recipient_quota import RecipientQuota
from shared.db.unit_of_work import Tx
from shared.vocabulary import Purpose
from tests.unit.intake.builders import NOW

TX = cast("Tx", None)


class Book:
    """Implements the port `QuotaBook`, for one hour."""

    def __init__(self) -> None:
        self.taken: Counter[tuple[bytes, Purpose]] = Counter()

    async def take(self, tx: Tx, recipient: bytes, purpose: Purpose, most: int, now: datetime) -> bool:
        self.taken[recipient, purpose] += 1
        return self.taken[recipient, purpose] <= most


async def test_made_up_numbers_count_for_their_workspace() -> None:
    quota = RecipientQuota(book=Book(), secret=b"s", acks_an_hour=1, notices_an_hour=1, callbacks_an_hour=2)
    assert [await quota.take_callback(TX, "acme", NOW) for _ in range(3)] == [True, True, False]
    assert await quota.take_callback(TX, "globex", NOW)
    # Whoever has the name of a workspace is somebody else.
    assert await quota.take(TX, "acme", Purpose.ACK, NOW)
