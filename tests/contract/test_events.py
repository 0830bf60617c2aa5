"""The contracts on the bus: every example ever published decodes, and what is generated is fresh."""

import json
from pathlib import Path

import jsonschema
import pytest

from shared.errors import ContractViolation, Undecodable
from shared.events import examples
from shared.events.asyncapi import asyncapi, schema_of
from shared.events.catalog import CONTRACTS, TOPIC_OF, TOPICS, shard_of
from shared.events.codec import decode, encode
from shared.events.contract import Contract
from shared.events.upcast import UPCASTERS, upcast

FOLDER = Path(examples.__file__).parent
EXAMPLES = sorted(FOLDER.glob("*/*.json"))


def contract_of(example: Path) -> type[Contract]:
    return CONTRACTS[f"waypost.{example.parent.name}"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_example_decodes_and_says_the_same_again(example: Path) -> None:
    contract = contract_of(example)
    event = decode(example.read_bytes(), TOPIC_OF[contract])
    if contract in UPCASTERS:
        assert isinstance(event.data, Contract)
        assert event.data.version > contract.version
        assert event.data.name == contract.name
        assert type(event.data) not in UPCASTERS
        return
    assert isinstance(event.data, contract)
    written = json.loads(example.read_text())
    told = json.loads(encode(event))
    for name, default in defaults_of(contract):
        if name not in written["data"] and told["data"][name] == default:
            del told["data"][name]
    assert without_what_is_newer(told, example=written) == written


def defaults_of(contract: type[Contract]) -> list[tuple[str, object]]:
    """Optional fields, and what they are where nobody says."""
    return [(name, field.default) for name, field in contract.model_fields.items() if not field.is_required()]


def without_what_is_newer(told: object, *, example: object) -> object:
    """What is told without the optional fields, left at their defaults, that the example is too old to have."""
    if isinstance(told, dict) and isinstance(example, dict):
        return {
            name: without_what_is_newer(value, example=example.get(name))
            for name, value in told.items()
            if name in example or value not in (None, False, [], {})
        }
    if isinstance(told, list) and isinstance(example, list) and len(told) == len(example):
        return [without_what_is_newer(one, example=other) for one, other in zip(told, example, strict=True)]
    return told


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_example_fits_its_published_schema(example: Path) -> None:
    schema = schema_of(contract_of(example))
    jsonschema.validate(json.loads(example.read_text())["data"], schema)


@pytest.mark.parametrize("wire_type", sorted(CONTRACTS))
def test_every_contract_has_an_example(wire_type: str) -> None:
    assert list((FOLDER / wire_type.removeprefix("waypost.")).glob("*.json"))


def test_a_field_that_a_newer_writer_adds_is_ignored() -> None:
    document = json.loads((FOLDER / "work.queued.v1" / "typical.json").read_text())
    document["data"]["mood"] = "good"
    document["mood"] = "good"
    assert decode(json.dumps(document).encode(), TOPICS["routing"]).sequence == document["sequence"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"specversion": "0.3"}, Undecodable),
        ({"sequence": 0}, Undecodable),
        ({"sequence": "three"}, Undecodable),
        ({"time": "2026-03-02T09:30:00"}, Undecodable),
        ({"type": "waypost.work.queued.v2"}, Undecodable),
        ({"type": "work.queued"}, Undecodable),
        ({"type": "waypost.ticket.opened.v1"}, ContractViolation),
        ({"source": "/waypost/metrics"}, ContractViolation),
        ({"subject": "work/other"}, ContractViolation),
        ({"data": {}}, ContractViolation),
        ({"data": None}, Undecodable),
        ({"time": "2026-11-22T10:00:00"}, Undecodable),
        ({"time": "0001-01-01T00:00:00+14:00"}, Undecodable),
        ({"time": "9999-12-31T23:59:59Z"}, Undecodable),
    ],
)
def test_what_does_not_fit_is_poison(change: dict[str, object], problem: type[Exception]) -> None:
    document = json.loads((FOLDER / "work.queued.v1" / "typical.json").read_text()) | change
    with pytest.raises(problem):
        decode(json.dumps(document).encode(), TOPICS["routing"])


@pytest.mark.parametrize("value", [None, b"", b"\x00\xff", b"[]", b"{", b'{"specversion": "1.0"}', b"[" * 100_000])
def test_whatever_bytes_come_are_undecodable_and_nothing_worse(value: bytes | None) -> None:
    with pytest.raises(Undecodable):
        decode(value, TOPICS["tickets"])


@pytest.mark.parametrize("moment", ["2026-11-22T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
def test_a_moment_that_cannot_be_reckoned_with_is_refused(moment: str) -> None:
    document = json.loads((FOLDER / "ticket.opened.v1" / "typical.json").read_text())
    document["data"]["received_at"] = moment
    with pytest.raises(ContractViolation, match="received_at"):
        decode(json.dumps(document).encode(), TOPICS["tickets"])


def test_a_refused_value_is_not_quoted() -> None:
    document = json.loads((FOLDER / "ticket.opened.v1" / "typical.json").read_text())
    document["data"]["facts"]["priority"] = "canary-value"
    with pytest.raises(ContractViolation) as refusal:
        decode(json.dumps(document).encode(), TOPICS["tickets"])
    assert "canary" not in str(refusal.value)
    assert "priority" in str(refusal.value)


def test_superseded_versions_are_brought_up_step_by_step() -> None:
    one, two, three = (CONTRACTS[name] for name in sorted(CONTRACTS)[:3])
    made = [object.__new__(kind) for kind in (one, two, three)]
    steps = {one: lambda _: made[1], two: lambda _: made[2]}
    assert upcast(made[0], steps) is made[2]


def test_no_contract_carries_a_person_or_a_text() -> None:
    telling = {"name", "email", "phone", "address", "subject", "body", "text", "html", "comment"}
    for wire_type, contract in CONTRACTS.items():
        assert not telling & set(contract.model_fields), wire_type


def test_the_shard_of_a_workspace_never_changes() -> None:
    assert [shard_of(name) for name in ("acme", "globex", "demo", "workspace-1")] == [2, 10, 0, 10]


def test_the_asyncapi_document_names_every_topic_and_message() -> None:
    document = asyncapi()
    assert set(document["channels"]) == set(TOPICS)  # type: ignore[call-overload] # a mapping
    assert set(document["components"]["messages"]) == set(CONTRACTS)  # type: ignore[index] # a mapping
