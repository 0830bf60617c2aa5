"""What measurements found: a table for the terminal, `benchmarks.json`, and `benchmarks.md` made from it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import fill

from rich.console import Console
from rich.table import Table

from tests.load.figures import Figure, Section

HEAD = """\
# Benchmarks

What the system does on one machine, measured by `make bench`, which writes this file and `benchmarks.json`.
`make bench ONLY=messages` measures a part again, `QUICK=1` tries it out without writing.

Everything runs on that machine at once: the load generator, the services, PostgreSQL and Kafka share its cores.
Figures of one machine say little about another's; ratios within one run say more. Each figure is the median over
the rounds, with the lowest and the highest beside it.

The load generator is `tests/load/generator.py`: one Python process on uvloop that speaks HTTP/1.1 over plain
sockets, one request at a time a connection (a closed loop: when the system slows down, so does the load). Where a
section names no load, requests come one at a time from an ordinary HTTP client.
"""

_WIDTH = 112


@dataclass(frozen=True)
class Taken:
    """A section, and when and where it was measured."""

    at: str
    machine: Mapping[str, str]
    section: Section


def write(folder: Path, taken: Mapping[str, Taken], order: Sequence[str]) -> None:
    """Adds these sections to what the folder has, and writes both files anew."""
    file = folder / "benchmarks.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    merged = {**known, **{name: asdict(one) for name, one in taken.items()}}
    merged = {name: merged[name] for name in order if name in merged}
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(merged, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    text = "\n".join(_markdown({name: _taken(one) for name, one in merged.items()}))
    (folder / "benchmarks.md").write_text(text, encoding="utf-8")


def show(sections: Sequence[Section]) -> None:
    """Prints the figures."""
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for column in ("median", "lowest to highest", "rounds"):
        table.add_column(column, justify="right")
    for section in sections:
        table.add_row(f"[bold]{section.title}")
        for figure in section.figures:
            table.add_row(f"  {figure.what}", figure.shown, figure.spread, str(len(figure.rounds)))
    Console().print(table)


def _taken(one: Mapping[str, object]) -> Taken:
    section = one["section"]
    machine = one["machine"]
    assert isinstance(section, dict)
    assert isinstance(machine, dict)
    figures = [Figure(**figure) for figure in section["figures"]]
    return Taken(str(one["at"]), machine, Section(section["title"], section["how"], figures))


def _markdown(taken: Mapping[str, Taken]) -> Iterator[str]:
    yield HEAD
    machines: list[Mapping[str, str]] = []
    for one in taken.values():
        if one.machine not in machines:
            machines.append(one.machine)
    for number, machine in enumerate(machines, 1):
        yield f"## Machine{f' {number}' if len(machines) > 1 else ''}\n"
        yield from (f"- {name}: {value}" for name, value in machine.items())
        yield ""
    for name, one in taken.items():
        section = one.section
        where = f" on machine {machines.index(one.machine) + 1}" if len(machines) > 1 else ""
        yield f"## {section.title}\n"
        yield "\n\n".join(
            fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False) for text in section.how
        )
        yield "\n| | median | lowest to highest | rounds |\n|---|---:|---:|---:|"
        for figure in section.figures:
            yield f"| {figure.what} | {figure.shown} | {figure.spread} | {len(figure.rounds)} |"
        yield f"\nMeasured {one.at}{where}: `make bench ONLY={name}`.\n"
