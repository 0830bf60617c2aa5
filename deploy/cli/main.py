"""The command line `waypost`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.commands import (
    agent,
    apply,
    clocks,
    escalations,
    on_call,
    operations,
    parked,
    preview,
    replay,
    send,
    tickets,
    token,
    watch,
)
from deploy.cli.errors import CliError
from deploy.cli.output import fail

app = typer.Typer(
    name="waypost",
    help="Routes customers' requests to the right agent, in time, and says why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start everything with `make run`. Commands find it in .waypost/, or where WAYPOST_DATA, WAYPOST_TOKEN,"
    " WAYPOST_INTAKE_URL, WAYPOST_ROUTER_URL, WAYPOST_ESCALATION_URL and WAYPOST_METRICS_URL say.",
)


@app.callback()
def installation(
    data: Annotated[
        Path | None, typer.Option(help="The data folder of an installation on this machine. [env: WAYPOST_DATA]")
    ] = None,
) -> None:
    """Tells every command which installation is meant."""
    if data is not None:
        os.environ["WAYPOST_DATA"] = str(data)


app.command("apply", rich_help_panel="Set up")(apply.apply)
app.command("preview", rich_help_panel="Set up")(preview.preview)
app.add_typer(token.app, name="token", rich_help_panel="Set up")
app.command("send", rich_help_panel="Work")(send.send)
app.command("tickets", rich_help_panel="Work")(tickets.tickets)
app.command("clocks", rich_help_panel="Work")(clocks.clocks)
app.command("agent", rich_help_panel="Work")(agent.agent)
app.command("on-call", rich_help_panel="Work")(on_call.on_call)
app.add_typer(escalations.app, name="escalations", rich_help_panel="Work")
app.command("watch", rich_help_panel="Work")(watch.watch)
app.add_typer(parked.app, name="parked", rich_help_panel="Operate")
app.command("migrate", rich_help_panel="Operate")(operations.migrate)
app.command("topics", rich_help_panel="Operate")(operations.topics)
app.command("replay", rich_help_panel="Operate")(replay.replay)
app.command("snapshot", rich_help_panel="Operate")(operations.snapshot)


@app.command("help", rich_help_panel="Operate")
def show_help(command: Annotated[list[str] | None, typer.Argument(help="A command.")] = None) -> None:
    """Shows what there is, or how a command is used."""
    app([*(command or ()), "--help"], prog_name="waypost")


def run() -> int:
    """The entry point: errors that a person can do something about are one line."""
    try:
        app()
    except CliError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read has had enough, as `head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(run())
