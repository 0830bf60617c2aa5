"""The catalog as documents: a JSON Schema for each contract, and one AsyncAPI 3.0 document."""

from pydantic.json_schema import models_json_schema

from shared.events.catalog import CONTRACTS, SHARDS, TOPICS, Topic
from shared.events.codec import CONTENT_TYPE
from shared.events.contract import Contract

_ENVELOPE = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "subject", "time", "workspace", "sequence", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid"},
        "source": {"type": "string", "examples": ["/waypost/intake"]},
        "type": {"type": "string"},
        "subject": {"type": "string", "description": "The aggregate, as `ticket/{id}`."},
        "time": {
            "type": "string",
            "format": "date-time",
            "description": "When it happened, by its owner's database.",
        },
        "datacontenttype": {"const": "application/json"},
        "workspace": {"type": "string", "description": "Also the record's key."},
        "sequence": {
            "type": "integer",
            "minimum": 1,
            "description": "Contiguous per workspace and subject, from 1.",
        },
        "traceparent": {"type": "string"},
        "correlationid": {"type": "string"},
        "causationid": {"type": "string"},
        "data": {"type": "object"},
    },
}


def schema_of(contract: type[Contract]) -> dict[str, object]:
    """The JSON Schema (2020-12) of one contract's data, with its description and wire type."""
    schema = contract.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{contract.wire_type().replace('.', ':')}",
        "title": contract.wire_type(),
        **{name: value for name, value in schema.items() if name != "title"},
    }


def asyncapi() -> dict[str, object]:
    """The AsyncAPI 3.0 document: every topic with its writer, its readers and its messages."""
    _, definitions = models_json_schema(
        [(contract, "serialization") for contract in CONTRACTS.values()],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Waypost events",
            "version": "1",
            "description": (
                "CloudEvents 1.0 in structured JSON. The key is the workspace, the partition is"
                f" crc32(workspace) mod {SHARDS}, set by the writer. Topics are not ordered against each other."
            ),
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": {f"{topic.writer}_writes_{topic.name}": _operation(topic) for topic in TOPICS.values()},
        "components": {
            "messages": {wire_type: _message(contract) for wire_type, contract in CONTRACTS.items()},
            "schemas": {"Envelope": _ENVELOPE, **definitions.get("$defs", {})},
        },
    }


def _channel(topic: Topic) -> dict[str, object]:
    return {
        "address": f"waypost.{topic.name}",
        "description": f"Written by {topic.writer}, read by {', '.join(topic.readers) or 'whoever listens'}.",
        "messages": {
            contract.wire_type(): {"$ref": f"#/components/messages/{contract.wire_type()}"}
            for contract in topic.contracts
        },
        "bindings": {
            "kafka": {
                "topic": f"waypost.{topic.name}",
                "partitions": SHARDS,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": int(topic.retention.total_seconds() * 1000),
                },
            }
        },
    }


def _operation(topic: Topic) -> dict[str, object]:
    return {"action": "send", "channel": {"$ref": f"#/channels/{topic.name}"}}


def _message(contract: type[Contract]) -> dict[str, object]:
    data = {"$ref": f"#/components/schemas/{contract.__name__}"}
    return {
        "name": contract.wire_type(),
        "summary": (contract.__doc__ or "").strip().splitlines()[0],
        "contentType": CONTENT_TYPE,
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {"properties": {"type": {"const": contract.wire_type()}, "data": data}},
            ]
        },
    }
