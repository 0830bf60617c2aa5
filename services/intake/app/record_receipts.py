"""Records what providers tell about messages of ours.

Any order of the same receipts, and any repeats, end in the same state. One that comes before our own commit of
the provider's id is kept until then.
"""

from collections.abc import Sequence

from services.intake.app.delivery_ports import Deliveries, ReceiptKey, Step
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.progress import Progress, told_by
from shared.db.unit_of_work import Tx


async def record_receipts(receipts: Sequence[DeliveryReceipt], *, tx: Tx, deliveries: Deliveries) -> None:
    """Joins receipts with what is known. The unit of work names their workspaces."""
    if not receipts:
        return
    now = await tx.now()
    told: dict[ReceiptKey, Progress] = {}
    for receipt in receipts:
        key = receipt.workspace_id, receipt.channel, receipt.provider_id
        said = told_by(receipt, now)
        told[key] = told[key].joined(said) if key in told else said
    lost = [key for key, progress in told.items() if progress.is_undelivered]
    known = await deliveries.lock_sent(tx, told, lost)
    steps = {key: Step(before=before, after=before.joined(told[key])) for key, before in known.items()}
    await deliveries.save_progress(tx, {key: step for key, step in steps.items() if step.after != step.before})
    await deliveries.keep_told(tx, {key: progress for key, progress in told.items() if key not in known})
