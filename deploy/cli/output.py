"""Writes to the terminal: tables and colours for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.cli.errors import CliError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console
    from rich.table import Table


@cache
def console() -> "Console":
    """The terminal. Elsewhere lines are not broken: whoever reads them looks for words."""
    from rich.console import Console  # late: `waypost token` needs none

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 200)


def table(*columns: str, title: str | None = None) -> "Table":
    """A table without lines."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def say(text: str = "") -> None:
    """A line as it is."""
    print(printable(text))


def say_json(answer: "BaseModel | Sequence[BaseModel]") -> None:
    """An answer as JSON."""
    content: object
    if isinstance(answer, Sequence):
        content = [item.model_dump(mode="json", by_alias=True) for item in answer]
    else:
        content = answer.model_dump(mode="json", by_alias=True)
    print(json.dumps(content, indent=2, ensure_ascii=False))


def say_note(text: str) -> None:
    """A line beside the result: how far something has got."""
    print(printable(text), file=sys.stderr)


def write_json(file: Path, answer: "BaseModel") -> None:
    """An answer as JSON in a file; `-` is the terminal."""
    if str(file) == "-":
        say_json(answer)
        return
    try:
        file.write_text(json.dumps(answer.model_dump(mode="json", by_alias=True), indent=2) + "\n")
    except OSError as error:
        raise CliError(f"{file} cannot be written: {error.strerror}.") from None


def printable(text: str) -> str:
    """The text without what would steer a terminal: customers write what they like."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def safe(text: str) -> str:
    """The same for rich, to which square brackets mean something."""
    from rich.markup import escape

    return escape(printable(text))


def clock_time(at: datetime) -> str:
    """A moment of today or of any day, on this machine's clock."""
    return at.astimezone().strftime("%H:%M:%S")


def day_time(at: datetime) -> str:
    """A moment with its day."""
    return at.astimezone().strftime("%d %b %H:%M")


def duration(seconds: float) -> str:
    """Seconds as `4s`, `1m05s`, `2h03m` or `3d4h`."""
    whole = round(abs(seconds))
    sign = "-" if seconds < 0 and whole else ""
    if whole < 60:
        return f"{sign}{whole}s"
    if whole < 3600:
        return f"{sign}{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{sign}{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{sign}{whole // 86_400}d{whole % 86_400 // 3600}h"


def exactly(seconds: float) -> str:
    """Seconds as `1:02:03`, with what there is below a second: columns of these add up."""
    whole, below = divmod(round(abs(seconds) * 1_000_000), 1_000_000)
    sign = "-" if seconds < 0 else ""
    fraction = f".{below:06}".rstrip("0") if below else ""
    return f"{sign}{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}{fraction}"


def fail(error: CliError) -> int:
    """The one line of an error; the exit code."""
    print(f"waypost: {printable(str(error))}", file=sys.stderr)
    return 1
