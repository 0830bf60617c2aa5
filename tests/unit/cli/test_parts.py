import pytest

from deploy.cli.parts import ORDER, Part, parts_of
from deploy.cli.plan import read_workspace
from services.escalation.app.configuration import EscalationPart
from services.intake.app.configuration import IntakePart, to_workspace
from services.metrics.app.configuration import MetricsPart, to_settings
from services.router.app.configuration import RouterPart, to_configuration
from tests.unit.cli.files import DEMO, DEMO_VALUES


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    _, demo = read_workspace(DEMO, DEMO_VALUES)
    return {part.service: part for part in parts_of(demo)}


def test_requests_come_in_only_once_everybody_else_knows_what_to_do(parts: dict[str, Part]) -> None:
    assert tuple(parts) == ORDER
    assert ORDER[-1] == "intake"


def test_each_service_is_content_with_its_part_of_the_demo(parts: dict[str, Part]) -> None:
    intake, router, metrics = (parts[name].content for name in ("intake", "router", "metrics"))
    assert isinstance(intake, IntakePart)
    assert isinstance(router, RouterPart)
    assert isinstance(metrics, MetricsPart)
    assert len(to_workspace(1, intake).channels) == 5
    assert len(to_configuration(1, router).agents) == 12
    assert len(to_settings(1, metrics).roster) == 12


def test_addresses_of_agents_go_to_escalation_alone(parts: dict[str, Part]) -> None:
    escalation = parts["escalation"].content
    assert isinstance(escalation, EscalationPart)
    assert "lena@meridian.example" in {contact.email for contact in escalation.contacts}
    assert "lena@" not in parts["router"].content.model_dump_json()
    assert "lena@" not in parts["metrics"].content.model_dump_json()


def test_what_a_part_says_is_valid_when_it_is_read_again(parts: dict[str, Part]) -> None:
    for part in parts.values():
        written = part.content.model_dump_json()
        assert type(part.content).model_validate_json(written) == part.content


@pytest.mark.parametrize(
    ("service", "pointer", "place"),
    [
        ("intake", "/rules/2/when", ("intake_rules", "2", "when")),
        ("router", "/policy/rules/0/queue", ("routing_policy", "rules", "0", "queue")),
        ("router", "/agents/3/skills/a~1b", ("agents", "3", "skills", "a/b")),
        ("metrics", "/targets/1/kpi", ("kpi_targets", "1", "kpi")),
        ("metrics", "/roster/4", ("agents", "4")),
        ("escalation", "/sla_policies/0", ("sla_policies", "0")),
        ("metrics", "", ("",)),
    ],
)
def test_a_place_in_a_part_is_told_as_a_place_in_the_file(
    parts: dict[str, Part], service: str, pointer: str, place: tuple[str, ...]
) -> None:
    assert parts[service].place(pointer) == place


def test_a_contact_is_told_as_its_agent_even_behind_agents_without_address() -> None:
    part = Part("escalation", EscalationPart(), contacts=(1, 4))
    assert part.place("/contacts/1/email") == ("agents", "4", "email")
