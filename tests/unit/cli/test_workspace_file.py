from datetime import timedelta
from pathlib import Path

import pytest

from deploy.cli.plan import read_workspace
from deploy.cli.workspace_file import WorkspaceFile, warnings
from deploy.cli.yaml_file import FileRefused
from services.escalation.app.configuration import EscalationPart
from services.intake.app.configuration import IntakePart
from services.router.app.configuration import RouterPart
from tests.unit.cli.files import DEMO, DEMO_VALUES, a_file


def read(folder: Path, text: str) -> WorkspaceFile:
    return read_workspace(a_file(folder, text), {})[1]


def refused(folder: Path, text: str) -> list[tuple[str, str]]:
    """What is wrong with it, by place."""
    with pytest.raises(FileRefused) as caught:
        read(folder, text)
    return [(problem.place, problem.text) for problem in caught.value.problems]


def test_the_demo_is_what_it_promises() -> None:
    _, demo = read_workspace(DEMO, DEMO_VALUES)
    assert len(demo.agents) == 12
    assert {agent.support_tier for agent in demo.agents} >= {1, 2}
    assert {"english", "german", "spanish"} <= set(demo.skills)
    assert {queue.id for queue in demo.queues} == {"technical", "billing", "general"}
    assert "gold" in {one.tier for one in demo.organisations}
    assert list(warnings(demo)) == []


def test_a_name_alone_is_a_workspace_as_it_is_without_configuration(tmp_path: Path) -> None:
    content = read(tmp_path, "workspace: acme")
    assert content.channels == IntakePart().channels
    assert [queue.id for queue in content.queues] == [queue.id for queue in RouterPart().queues]
    assert content.sla_policies == EscalationPart().sla_policies


def test_a_calendar_has_the_time_zone_of_the_workspace_unless_it_names_its_own(tmp_path: Path) -> None:
    content = read(
        tmp_path,
        """
        workspace: acme
        time_zone: Europe/Madrid
        calendars:
          - {id: office, weekly: {mon: ["09:00-17:00"]}}
          - {id: tokyo, time_zone: Asia/Tokyo, weekly: {mon: ["09:00-17:00"]}}
        """,
    )
    assert [one.time_zone for one in content.calendars] == ["Europe/Madrid", "Asia/Tokyo"]


def test_durations_are_written_as_people_say_them(tmp_path: Path) -> None:
    content = read(tmp_path, "workspace: acme\nqueues: [{id: default, offer_timeout: 1h30m, answer_within: 2d}]")
    assert content.queues[0].offer_timeout == timedelta(hours=1, minutes=30)
    assert content.queues[0].answer_within == timedelta(days=2)


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("{}", "workspace", "is missing"),
        ("workspace: Acme", "workspace", "string should match"),
        ("workspace: acme\nagnets: []", "agnets", "is not known"),
        (
            "workspace: acme\nagents: [{id: ann, shifts: nights}]",
            "agents/ann/shifts",
            "there is no calendar nights",
        ),
        (
            'workspace: acme\nagents: [{id: ann, shifts: {mun: ["09:00-17:00"]}}]',
            "agents/ann/shifts/mun",
            "is not known",
        ),
        (
            "workspace: acme\nagents: [{id: ann, time_off: [{start: 2026-12-24, end: 24.12.}]}]",
            "agents/ann/time_off/0/end",
            "string should match",
        ),
        (
            "workspace: acme\nqueues: [{id: default, hours: nights}]",
            "queues/default/hours",
            "there is no calendar",
        ),
        (
            "workspace: acme\nqueues: [{id: default, hours: {weekly: {mon: [all day]}}}]",
            "queues/default/hours/weekly/mon/0",
            "string should match",
        ),
        (
            "workspace: acme\nqueues: [{id: default, overflow: {after: 5m, to: second}}]",
            "queues/default/overflow/to",
            "there is no queue second",
        ),
        ("workspace: acme\nagents: [{id: ann, shoe_size: 4}]", "agents/ann/shoe_size", "is not known"),
        ("workspace: acme\nskills: [go]\nagents: [{id: ann, skills: {go: 9}}]", "agents/ann/skills/go", "input"),
        (
            "workspace: acme\nqueues: [{id: default, wrap_up: five}]",
            "queues/default/wrap_up",
            "write a duration as 90s, 15m, 4h, 2d or 1h30m",
        ),
        (
            "workspace: acme\nescalation_policies: [{id: late, steps: [{shout: loud}]}]",
            "escalation_policies/late/steps/0",
            "is none of wait, requeue, raise_priority, notify",
        ),
        (
            "workspace: acme\nescalation_policies: [{id: late, steps: [{wait: long}]}]",
            "escalation_policies/late/steps/0/wait",
            "write a duration",
        ),
        (
            "workspace: acme\nescalation_policies: [{id: late, steps: [{notify: {agnets: []}}]}]",
            "escalation_policies/late/steps/0/notify/agnets",
            "is not known",
        ),
        (
            "workspace: a\nsla_policies: [{id: x, targets: [{metric: first_reply, priority: [x], within: 1h}]}]",
            "sla_policies/x/targets/first_reply/priority/0",
            "input should be 'urgent', 'high'",
        ),
        (
            "workspace: acme\nsla_policies: [{id: x, targets: [{metric: first_reply, within: 1h, priority: hi}]}]",
            "sla_policies/x/targets/first_reply/priority",
            "input should be 'all', or should be a list",
        ),
    ],
)
def test_what_a_file_may_not_say_is_told_in_words_at_its_place(
    tmp_path: Path, text: str, place: str, problem: str
) -> None:
    ((found, told),) = refused(tmp_path, text)
    assert found == place
    assert told.startswith(problem)


@pytest.mark.parametrize(
    ("section", "place", "problem"),
    [
        ("agents: [{id: ann, queues: [nowhere]}]", "agents/ann/queues", "there is no queue nowhere"),
        ("agents: [{id: ann, teams: [reds]}]", "agents/ann/teams", "there is no team reds"),
        ("agents: [{id: ann, skills: {go: 3}}]", "agents/ann/skills", "there is no skill go"),
        (
            "routing_policy: {rules: [{id: all, when: 'true', queue: nowhere}]}",
            "routing_policy/rules/all/queue",
            "there is no queue nowhere",
        ),
        (
            "routing_policy: {default: {queue: nowhere}}",
            "routing_policy/default/queue",
            "there is no queue nowhere",
        ),
        (
            "teams: [reds]\nagents: [{id: ann, teams: [redds]}]",
            "agents/ann/teams",
            "there is no team redds; did you mean reds?",
        ),
        (
            "sla_policies: [{id: all, calendar: office}]",
            "sla_policies/all/calendar",
            "there is no calendar office",
        ),
        (
            "sla_policies: [{id: all, targets: [{metric: first_reply, within: 1h, escalation: late}]}]",
            "sla_policies/all/targets/first_reply/escalation",
            "there is no escalation policy late",
        ),
        (
            "escalation_policies: [{id: late, steps: [{requeue: {queue: nowhere}}]}]",
            "escalation_policies/late/steps/0/requeue/queue",
            "there is no queue nowhere",
        ),
        (
            "escalation_policies: [{id: late, steps: [{requeue: {agent: ann}}]}]",
            "escalation_policies/late/steps/0/requeue/agent",
            "there is no agent ann",
        ),
        (
            "escalation_policies: [{id: late, steps: [{notify: {agents: [ann]}}]}]",
            "escalation_policies/late/steps/0/notify/agents",
            "there is no agent ann",
        ),
        (
            "escalation_policies: [{id: late, steps: [{notify: {webhooks: [pager]}}]}]",
            "escalation_policies/late/steps/0/notify/webhooks",
            "there is no webhook pager",
        ),
        (
            "kpi_targets: [{kpi: first_reply.p90, target: 60, queue: nowhere}]",
            "kpi_targets/first_reply.p90/queue",
            "there is no queue nowhere",
        ),
    ],
)
def test_a_name_that_refers_to_nothing_is_found_across_services(
    tmp_path: Path, section: str, place: str, problem: str
) -> None:
    assert refused(tmp_path, f"workspace: acme\n{section}") == [(place, problem)]


def test_whoever_is_told_by_mail_has_an_address(tmp_path: Path) -> None:
    text = """
    workspace: acme
    agents: [{id: ann}]
    escalation_policies: [{id: late, steps: [{notify: {agents: [ann]}}]}]
    """
    at = "escalation_policies/late/steps/0/notify/agents"
    assert refused(tmp_path, text) == [(at, "ann has neither email nor chat")]


def test_work_that_would_move_to_a_tier_without_agents_is_warned_of(tmp_path: Path) -> None:
    text = """
    workspace: acme
    agents: [{id: ann}]
    escalation_policies: [{id: late, steps: [{requeue: {tier: 3}}]}]
    """
    assert list(warnings(read(tmp_path, text))) == [
        "escalation policy late moves work to tier 3, in which there is nobody"
    ]
