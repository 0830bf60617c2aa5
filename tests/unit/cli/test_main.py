import pytest
from typer.testing import CliRunner

from deploy.cli.errors import CliError
from deploy.cli.main import app


def told(*words: str) -> str:
    ended = CliRunner().invoke(app, words, env={"COLUMNS": "160", "TERM": "dumb"})
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_help_names_every_command() -> None:
    shown = told("--help")
    commands = ("apply", "token", "send", "tickets", "agent", "watch", "parked", "migrate", "topics", "replay")
    assert [name for name in (*commands, "snapshot", "on-call", "clocks") if name not in shown] == []
    assert told("help") == shown


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("help", "agent"), ("available", "--workspace")),
        (("help", "apply"), ("--dry-run", "--json")),
        (("help", "replay"), ("--from", "--to", "TIME", "2026-11-23T09:30")),
        (("help", "parked"), ("list", "show", "replay", "discard")),
        (("help", "token", "revoke"), ("JTI",)),
    ],
)
def test_help_tells_how_a_command_is_used(words: tuple[str, ...], names: tuple[str, ...]) -> None:
    shown = told(*words)
    assert [name for name in names if name not in shown] == []


def test_a_check_without_a_simulation_is_refused_and_not_forgotten() -> None:
    ended = CliRunner().invoke(app, ["replay", "--workspace", "acme", "--check"])
    assert isinstance(ended.exception, CliError)
    assert "--without-agents" in str(ended.exception)


def test_help_shows_no_format_of_times() -> None:
    assert "%" not in told("help", "replay")
