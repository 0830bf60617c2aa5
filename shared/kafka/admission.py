"""Which of the records read may be applied: repeats are skipped, gaps and poison are set aside in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.db import progress
from shared.db.progress import Subject
from shared.db.unit_of_work import Tx
from shared.db.workspaces import is_workspace_id
from shared.errors import ContractViolation, PoisonMessage, VersionGap
from shared.events.catalog import shard_of
from shared.events.codec import decode
from shared.events.contract import Contract
from shared.events.envelope import Event
from shared.kafka import parked
from shared.kafka.client import Record
from shared.kafka.parked import UNKNOWN_WORKSPACE, Parking


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record with its event, or with why it has none.

    is_passed_over: its reader has no use for it, and knows so without reading it
    """

    record: Record
    workspace_id: str
    subject: str
    sequence: int | None
    event: Event | None
    problem: PoisonMessage | None = None
    is_passed_over: bool = False

    @property
    def key(self) -> Subject:
        """Workspace and subject: what versions and parked records are kept by."""
        return self.workspace_id, self.subject

    @property
    def is_known(self) -> bool:
        """Whether its type is of this version of Waypost. Others advance their subject and say nothing."""
        return self.event is not None and isinstance(self.event.data, Contract)

    @property
    def is_baseline(self) -> bool:
        """Whether it is taken whatever came before it."""
        data = self.event.data if self.event else None
        return isinstance(data, Contract) and (data.is_snapshot or data.is_absolute)


@dataclass(slots=True)
class Admission:
    """What one batch comes to. Its events are to be applied, then `settle` stores the rest."""

    events: list[Event] = field(default_factory=list)
    sequences: dict[Subject, int] = field(default_factory=dict)
    parking: list[Parking] = field(default_factory=list)
    filled: set[Subject] = field(default_factory=set)
    next_offsets: dict[str, int] = field(default_factory=dict)
    skipped: int = 0
    poison_in_a_row: int = 0
    longest_poison_run: int = 0


def read(record: Record, shards: int) -> Incoming:
    """Decodes a record as far as it can be decoded.

    The headers name subject and sequence even where the value is unreadable, so that it can be set aside
    in its place.
    """
    try:
        event = decode(record.value, record.topic)
        if record.key != event.workspace_id.encode() or not is_workspace_id(event.workspace_id):
            raise ContractViolation("the key is not the event's workspace")
        if shard_of(event.workspace_id, shards) != record.partition:
            raise ContractViolation("the workspace does not belong to this partition")
    except PoisonMessage as problem:
        return Incoming(record, *_labels(record, shards), None, problem)
    return Incoming(record, event.workspace_id, event.subject, event.sequence, event)


def passed_over(record: Record) -> Incoming:
    """A record that is not even decoded: only the position moves past it."""
    return Incoming(record, UNKNOWN_WORKSPACE, "", None, None, is_passed_over=True)


def _labels(record: Record, shards: int) -> tuple[str, str, int | None]:
    """Workspace, subject and sequence of an unreadable record, by its key and headers."""
    workspace_id = (record.key or b"").decode(errors="replace")
    subject = record.header("subject")[:300]
    digits = record.header("sequence")
    if not is_workspace_id(workspace_id) or shard_of(workspace_id, shards) != record.partition:
        workspace_id = UNKNOWN_WORKSPACE
    if not subject or not digits.isdecimal() or len(digits) > 18:
        return workspace_id, f"record/{record.topic.name}/{record.partition}/{record.offset}", None
    return workspace_id, subject, int(digits)


async def admit(
    tx: Tx, incoming: Sequence[Incoming], poison_in_a_row: int = 0, condemned: str | None = None
) -> Admission:
    """Decides about each record of a batch, in order.

    poison_in_a_row: how many records before this batch were poison without a good one between them
    condemned: why the one record of this batch could not be applied, when it was tried alone
    """
    subjects = {item.key for item in incoming if not item.is_passed_over}
    known = await progress.standings(tx, subjects)
    last = {key: one.last for key, one in known.items()}
    blocked = {key: one.first_parked for key, one in known.items() if one.first_parked is not None}
    result = Admission(poison_in_a_row=poison_in_a_row)
    for item in incoming:
        result.next_offsets[item.record.topic.name] = item.record.offset + 1
        if item.is_passed_over:
            continue
        if item.sequence is not None and item.sequence <= last[item.key]:
            result.skipped += 1
        elif problem := _obstacle(item, last, blocked, condemned):
            _park(item, problem, result, blocked)
        else:
            assert item.event is not None
            assert item.sequence is not None
            result.poison_in_a_row = 0
            if item.is_known:
                result.events.append(item.event)
            last[item.key] = result.sequences[item.key] = item.sequence
            if item.key in blocked:
                result.filled.add(item.key)
    return result


def _obstacle(
    item: Incoming, last: Mapping[Subject, int], blocked: Mapping[Subject, int], condemned: str | None
) -> PoisonMessage | None:
    """Why a record that is no repeat cannot be applied now, if so."""
    if condemned is not None:
        return ContractViolation(condemned)
    if item.problem is not None:
        return item.problem
    if item.sequence is None or item.is_baseline:
        return None
    expected = last[item.key] + 1
    if item.sequence > expected:
        return VersionGap(f"expected {expected}")
    # One parked with the very sequence that comes next does not block it: this is what its writer sent instead.
    if blocked.get(item.key, item.sequence) < item.sequence:
        return VersionGap("an earlier record of this subject is parked")
    return None


def _park(item: Incoming, problem: PoisonMessage, result: Admission, blocked: dict[Subject, int]) -> None:
    result.parking.append(Parking(item.record, item.workspace_id, item.subject, item.sequence, problem))
    if item.sequence is not None:
        blocked[item.key] = min(item.sequence, blocked.get(item.key, item.sequence))
    if not isinstance(problem, VersionGap):
        result.poison_in_a_row += 1
        result.longest_poison_run = max(result.longest_poison_run, result.poison_in_a_row)


async def settle(tx: Tx, admission: Admission, partition: int) -> None:
    """Stores last sequences, positions and parked records."""
    await progress.advance(tx, admission.sequences, partition, admission.next_offsets)
    await parked.park(tx, admission.parking)
    await parked.fill(tx, {key: admission.sequences[key] for key in admission.filled})
