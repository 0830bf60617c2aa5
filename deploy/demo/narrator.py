"""Tells what happens in the demo, as it happens."""

from rich.console import Console
from rich.text import Text

from deploy.cli.output import clock_time, printable
from shared.clock import SystemClock

_COLOURS = {"customer": "cyan", "demo": "dim", "webhook": "yellow", "mail": "yellow"}


class Narrator:
    """Prints a line for everything that somebody does."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, who: str, text: str) -> None:
        """Somebody has done something."""
        at = clock_time(SystemClock().now())
        name = Text(f"{who:<9}", style=_COLOURS.get(who, "magenta"))
        self._console.print(Text.assemble((f"{at} ", "dim"), name, printable(text)))
