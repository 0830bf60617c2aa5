"""`python -m tests.load [--quick] [NAME…]`: measures, shows the figures, and writes them to docs/."""

import argparse
import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from shared.clock import SystemClock, monotonic
from tests.load import (
    batches,
    crashes,
    decisions,
    mails,
    messages,
    offers,
    previews,
    replay,
    starts,
    storms,
    tickets,
    timers,
)
from tests.load.figures import Effort, Say, Section
from tests.load.machine import describe
from tests.load.report import Taken, show, write

DOCS = Path(__file__).parents[2] / "docs"

MEASUREMENTS: Mapping[str, Callable[[Effort, Say], Awaitable[Section]]] = {
    "offers": offers.measure,
    "messages": messages.measure,
    "batches": batches.measure,
    "mails": mails.measure,
    "tickets": tickets.measure,
    "decisions": decisions.measure,
    "crashes": crashes.measure,
    "starts": starts.measure,
    "replay": replay.measure,
    "previews": previews.measure,
    "storms": storms.measure,
    "timers": timers.measure,
}


def run(names: Sequence[str], effort: Effort, folder: Path | None) -> None:
    """Measures one after the other; what is done is written even if a later one fails.

    folder: where the two files go; None to write nothing
    """
    machine = describe()
    sections: list[Section] = []
    try:
        for name in names:
            began = monotonic()

            def say(text: str, name: str = name, began: float = began) -> None:
                print(f"{name:<9} {monotonic() - began:6.1f} s  {text}", flush=True)  # noqa: T201 - progress, for a person

            section = asyncio.run(_measure(name, effort, say))
            sections.append(section)
            if folder is not None:
                today = SystemClock().now().date().isoformat()
                write(folder, {name: Taken(today, machine, section)}, list(MEASUREMENTS))
    finally:
        show(sections)


async def _measure(name: str, effort: Effort, say: Say) -> Section:
    return await MEASUREMENTS[name](effort, say)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(MEASUREMENTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="short rounds, to try it out; writes nothing")
    parser.add_argument("--folder", type=Path, help="where to write; docs/ by default")
    options = parser.parse_args()
    # A new topic has no leader for a moment; the client tries again, and would tell about it every time.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if unknown := sorted(set(options.names) - set(MEASUREMENTS)):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(MEASUREMENTS)}")
    folder = options.folder or (None if options.quick else DOCS)
    run(options.names or list(MEASUREMENTS), Effort(options.rounds, options.quick), folder)


if __name__ == "__main__":
    main()
