"""Records what providers tell about messages of ours."""

from collections.abc import Sequence

from services.intake.app.hook_ports import Deliveries
from services.intake.domain.delivery import DeliveryReceipt
from shared.db.unit_of_work import Tx


async def record_receipts(receipts: Sequence[DeliveryReceipt], *, tx: Tx, deliveries: Deliveries) -> None:
    """Keeps how far they have got, in any order of the receipts."""
    if receipts:
        await deliveries.record(tx, receipts)
