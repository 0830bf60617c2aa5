"""Bytes to events and back: CloudEvents 1.0 in structured JSON (`application/cloudevents+json`)."""

import json
import re
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json

from shared.errors import ContractViolation, Undecodable
from shared.events.catalog import CONTRACTS, TOPIC_OF, Topic
from shared.events.contract import Contract, Instant
from shared.events.envelope import Cause, Event
from shared.events.upcast import upcast

CONTENT_TYPE = "application/cloudevents+json"

_UNVERSIONED = re.compile(r"\.v\d+$")
_KNOWN_NAMES = {_UNVERSIONED.sub("", wire_type) for wire_type in CONTRACTS}


class _Wire(BaseModel):
    """The envelope as it stands in JSON."""

    model_config = ConfigDict(extra="ignore")

    specversion: str = Field(pattern=r"^1\.")
    id: UUID
    source: str = Field(pattern=r"^/waypost/[a-z]+$")
    type: str = Field(pattern=r"^waypost\.[a-z_]+\.[a-z_]+\.v[1-9]\d{0,3}$")
    # No NUL in what becomes a key: PostgreSQL has no such text, so the record could not even be set aside.
    subject: str = Field(pattern=r"^[a-z]+/[^\x00\n]+$", max_length=300)
    time: Instant
    workspace: str = Field(pattern=r"^[^\x00]+$", max_length=100)
    sequence: int = Field(ge=1, le=2**62)
    traceparent: str | None = None
    correlationid: str | None = None
    causationid: str | None = None
    data: dict[str, Any]


def encode(event: Event) -> bytes:
    """The event's value on the wire."""
    envelope: dict[str, object] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": "application/json",
        "workspace": event.workspace_id,
        "sequence": event.sequence,
    }
    cause = event.cause
    if cause.traceparent:
        envelope["traceparent"] = cause.traceparent
    if cause.correlation_id:
        envelope["correlationid"] = cause.correlation_id
    if cause.causation_id:
        envelope["causationid"] = cause.causation_id
    data = event.data
    body = data.model_dump_json() if isinstance(data, Contract) else json.dumps(data)
    return b'%b,"data":%b}' % (to_json(envelope)[:-1], body.encode())


def decode(value: bytes | None, topic: Topic) -> Event:
    """The event that a record of this topic carries.

    A type that this version does not know yet keeps its data as a mapping: it advances its subject and
    says nothing else. Of a superseded version it is the event as its writer tells it today.
    Raises Undecodable (not an event, or a newer version of a type we know) and ContractViolation (data
    that does not fit, a writer or a topic that is not its own).
    """
    if value is None:
        raise Undecodable("empty value")
    try:
        wire = _Wire.model_validate_json(value)
    except ValidationError as error:
        raise Undecodable(_first_problem(error)) from None
    data: Contract | dict[str, Any] = wire.data
    contract = CONTRACTS.get(wire.type)
    if contract is not None:
        if TOPIC_OF[contract] is not topic:
            raise ContractViolation(f"{wire.type} does not belong to topic {topic.name}")
        try:
            data = upcast(contract.model_validate(wire.data))
        except ValidationError as error:
            raise ContractViolation(_first_problem(error)) from None
        if data.subject != wire.subject:
            raise ContractViolation("the subject is not what the data is about")
    elif _UNVERSIONED.sub("", wire.type) in _KNOWN_NAMES:
        raise Undecodable(f"{wire.type} is newer than this version of Waypost")
    if wire.source != f"/waypost/{topic.writer}":
        raise ContractViolation(f"{wire.source} does not write topic {topic.name}")
    return Event(
        id=wire.id,
        source=wire.source,
        type=data.wire_type() if isinstance(data, Contract) else wire.type,
        subject=wire.subject,
        time=wire.time,
        workspace_id=wire.workspace,
        sequence=wire.sequence,
        data=data,
        cause=Cause(
            traceparent=wire.traceparent,
            correlation_id=wire.correlationid,
            causation_id=wire.causationid,
        ),
    )


def _first_problem(error: ValidationError) -> str:
    """Where and what is wrong, without the value: parked records must not leak it into logs."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
