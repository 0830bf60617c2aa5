from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.cli.errors import CliError
from deploy.cli.yaml_file import FileRefused, Problem, YamlFile
from tests.unit.cli.files import a_file


def content(folder: Path, text: str, variables: Mapping[str, str] | None = None) -> object:
    return YamlFile(a_file(folder, text), variables or {}).content


def refused(folder: Path, text: str, variables: Mapping[str, str] | None = None) -> list[Problem]:
    with pytest.raises(FileRefused) as caught:
        content(folder, text, variables)
    return caught.value.problems


def test_a_variable_stands_for_its_value(tmp_path: Path) -> None:
    text = """
    webhooks:
      - url: https://${HOST}/hooks/${NAME}
    """
    assert content(tmp_path, text, {"HOST": "pager.example", "NAME": "desk"}) == {
        "webhooks": [{"url": "https://pager.example/hooks/desk"}]
    }


def test_a_doubled_dollar_stands_for_itself(tmp_path: Path) -> None:
    assert content(tmp_path, "a: $${NAME} and $5 and $NAME") == {"a": "${NAME} and $5 and $NAME"}


@pytest.mark.parametrize("value", ["12", "yes", "null", "a: b", "[1, 2]", "${OTHER}", "x\ny: z", ""])
def test_what_a_variable_holds_stays_text(tmp_path: Path, value: str) -> None:
    assert content(tmp_path, "a: ${V}", {"V": value}) == {"a": value}


def test_every_missing_variable_is_named_with_its_line(tmp_path: Path) -> None:
    text = "a: ${ONE}\nb: 1\nc: ${TWO} ${THREE}\n"
    assert refused(tmp_path, text, {"TWO": "2"}) == [
        Problem(1, "${ONE}", "is not in the environment"),
        Problem(3, "${THREE}", "is not in the environment"),
    ]


def test_a_name_that_stands_twice_is_refused_where_it_stands_again(tmp_path: Path) -> None:
    assert refused(tmp_path, "a: 1\nb:\n  c: 1\n  c: 2\na: 3\n") == [
        Problem(4, "c", "stands twice"),
        Problem(5, "a", "stands twice"),
    ]


def test_a_problem_is_told_with_its_line_and_with_names(tmp_path: Path) -> None:
    text = """\
    agents:
      - id: ann
        skills: {english: 5}
      - id: ben
        skills:
          english: 9
    """
    file = YamlFile(a_file(tmp_path, text), {})
    assert file.problem(("agents", 1, "skills", "english"), "is too much") == Problem(
        6, "agents/ben/skills/english", "is too much"
    )
    # What is not there is told at what it is missing from.
    assert file.problem(("agents", 0, "queues"), "is missing") == Problem(2, "agents/ann/queues", "is missing")


def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "a: 1\nb: [1, 2\n")
    assert problem.line >= 2


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n", ""])
def test_a_file_without_sections_describes_no_workspace(tmp_path: Path, text: str) -> None:
    with pytest.raises(CliError, match="does not describe a workspace"):
        content(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"none\.yaml cannot be read: No such file"):
        YamlFile(tmp_path / "none.yaml", {})


def test_no_object_is_made_of_a_tag(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, "a: !!python/object/apply:os.getcwd []\n")
    assert "could not determine a constructor" in problem.text
