"""What is stored is read as far as this release knows it."""

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from services.escalation.app.configuration import EscalationPart
from services.intake.app.configuration import IntakePart
from services.metrics.app.configuration import MetricsPart
from services.router.app.configuration import RouterPart
from shared.db.configuration import part_of
from shared.telemetry.names import Log

STORED = {
    "queues": [{"id": "general", "mood": "calm", "hours": {"weekly": {"mon": ["09:00-17:00"]}, "lunch": "12:00"}}],
    "agents": [{"id": "ann", "queues": ["general"], "shifts": {"mon": ["09:00-17:00"]}, "seat": 4}],
    "weather": {"is_sunny": True},
}


def without(known: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in known.items() if name not in names}


def test_fields_that_a_newer_release_stored_are_left_out_at_any_depth_and_logged() -> None:
    with capture_logs() as logged:
        part = part_of(RouterPart, STORED)
    known = {
        "queues": [{"id": "general", "hours": {"weekly": {"mon": ["09:00-17:00"]}}}],
        "agents": [without(STORED["agents"][0], "seat")],  # type: ignore[index] # JSON
    }
    assert part == RouterPart.model_validate(known)
    (line,) = logged
    assert (line["event"], line["part"], line["unknown"]) == (Log.CONFIGURATION_NEWER, "RouterPart", 4)
    assert {"weather", "queues.0.mood", "agents.0.seat"} < set(line["fields"])


@pytest.mark.parametrize("model", [EscalationPart, IntakePart, MetricsPart, RouterPart])
def test_every_service_reads_its_stored_part_so(
    model: type[EscalationPart | IntakePart | MetricsPart | RouterPart],
) -> None:
    assert part_of(model, {"weather": 1}) == model()
    with pytest.raises(ValidationError):
        model.model_validate({"weather": 1})


def test_what_is_known_says_nothing() -> None:
    with capture_logs() as logged:
        part_of(RouterPart, {"queues": [{"id": "general"}]})
    assert logged == []


def test_what_breaks_a_rule_of_this_release_is_refused_beside_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError):
        part_of(RouterPart, {"queues": [{"id": "No Slug"}], "weather": 1})
