"""What the workspace's rules make of a message that would open a ticket."""

from dataclasses import replace

from services.intake.app.ports import Receipt
from services.intake.domain.classification import Classification, Described, Fate, classify, stated
from services.intake.domain.customer import Customer
from services.intake.domain.message import Disposition, InboundMessage
from services.intake.domain.workspace import Channel, Workspace
from shared.vocabulary import MachineClass


def classified_request(
    message: InboundMessage, channel: Channel, customer: Customer, workspace: Workspace, *, is_known: bool
) -> Classification:
    """What the rules make of a request; its language is what they say, or else what it looks like."""
    seen = message.language
    if seen is None:
        seen = workspace.language_of(f"{message.subject}\n{message.text_new}")
    described = Described(
        subject=message.subject,
        text=message.text_new,
        channel=message.channel,
        channel_kind=channel.kind,
        language=seen or "",
        sender=message.sender,
        is_known=is_known,
        is_machine=message.machine is not MachineClass.NONE,
    )
    said = stated(message.labels, message.priority, "sender")
    classified = classify(described, customer, workspace.rules, said)
    return classified if classified.language else replace(classified, language=seen)


def refused(message: InboundMessage, classified: Classification) -> Receipt:
    """What becomes of a message that no ticket is opened for."""
    is_dropped = classified.fate is Fate.DROP
    return Receipt(
        ticket_id=None,
        ticket_number=None,
        message_id=message.message_id,
        disposition=Disposition.DROPPED if is_dropped else Disposition.QUARANTINED,
        reason=f"rule: {classified.fate_by}",
    )
