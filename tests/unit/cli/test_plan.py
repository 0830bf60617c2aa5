from pathlib import Path

import pytest

from deploy.cli.commands.apply import say_done, show
from deploy.cli.parts import Part
from deploy.cli.plan import Change, PartPlan, Plan, outline, placed
from deploy.cli.yaml_file import YamlFile
from services.metrics.app.configuration import MetricsPart
from tests.unit.cli.files import a_file


def a_part(service: str, version: int, *changes: tuple[str, str], warnings: tuple[str, ...] = ()) -> PartPlan:
    return PartPlan(
        part=Part(service, MetricsPart()),
        version=version,
        changes=[Change(path=path, kind=kind) for path, kind in changes],
        warnings=warnings,
    )


def a_plan(*parts: PartPlan, warnings: tuple[str, ...] = ()) -> Plan:
    return Plan(workspace_id="acme", parts=parts, warnings=warnings)


def test_a_service_that_was_never_told_anything_is_told_even_where_nothing_differs() -> None:
    assert a_part("router", 0).is_needed
    assert not a_part("router", 1).is_needed
    assert a_part("router", 1, ("agents/ann", "added")).is_needed
    assert not a_plan(a_part("router", 1), a_part("intake", 3)).is_needed


def test_a_plan_for_some_services_leaves_the_others_out() -> None:
    plan = a_plan(a_part("router", 0), a_part("intake", 0))
    assert [part.part.service for part in plan.only(["intake"]).parts] == ["intake"]


def test_the_plan_names_what_is_added_changed_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    changes = (("agents/ann", "added"), ("queues/vip/rank", "changed"), ("agents/ben", "removed"))
    show(a_plan(a_part("router", 2, *changes, warnings=("rule x [y] never holds",)), a_part("intake", 4)))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "Workspace acme",
        "  router     version 2 → 3",
        "    + agents/ann",
        "    ~ queues/vip/rank",
        "    - agents/ben",
        "    ! rule x [y] never holds",
        "  intake     unchanged, version 4",
    ]


def test_what_was_done_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    plan = a_plan(a_part("router", 2), warnings=("nobody is there",))
    say_done(plan, ["router", "intake"])
    say_done(plan, [])
    told = capsys.readouterr().out
    assert "acme: router, intake changed." in told
    assert "Nothing to do" in told


def test_programs_read_the_same_plan() -> None:
    plan = a_plan(a_part("router", 2, ("agents/ann", "added")), warnings=("nobody is there",))
    assert outline(plan).model_dump() == {
        "workspace": "acme",
        "services": [
            {
                "service": "router",
                "version": 2,
                "is_needed": True,
                "changes": [{"path": "agents/ann", "kind": "added"}],
                "warnings": [],
            }
        ],
        "warnings": ["nobody is there"],
    }


def test_a_warning_of_a_service_is_told_with_its_line_in_the_file(tmp_path: Path) -> None:
    text = """
    workspace: acme
    routing_policy:
      rules:
        - {id: gold, when: "true", queue: default}
    """
    file = YamlFile(a_file(tmp_path, text), {})
    part = Part("router", MetricsPart())
    line = next(number for number, words in enumerate(file.file.read_text().splitlines(), 1) if "gold" in words)
    told = placed(file, part, "/policy/rules/0: nobody can ever serve rule gold: no agent is there")
    assert told == f"line {line} routing_policy/rules/gold: nobody can ever serve rule gold: no agent is there"
    assert placed(file, part, "nobody is there: at all") == "nobody is there: at all"
