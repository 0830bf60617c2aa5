from pathlib import Path

from tests.load.figures import Figure, Section
from tests.load.report import Taken, write

ORDER = ("messages", "tickets")


def a_measurement(title: str, *, machine: str = "one", rounds: tuple[float, ...] = (10, 20, 30)) -> Taken:
    return Taken("2026-11-22", {"Processor": machine}, Section(title, ["How."], [Figure("rate", "/s", rounds)]))


def test_a_part_measured_again_replaces_its_section_and_leaves_the_others(tmp_path: Path) -> None:
    write(tmp_path, {"tickets": a_measurement("Tickets"), "messages": a_measurement("Messages")}, ORDER)
    write(tmp_path, {"tickets": a_measurement("Tickets", rounds=(41, 42, 43))}, ORDER)

    text = (tmp_path / "benchmarks.md").read_text()
    assert text.index("## Messages") < text.index("## Tickets")
    assert text.count("| rate | 20.0 /s | 10.0 to 30.0 | 3 |") == 1
    assert text.count("| rate | 42.0 /s | 41.0 to 43.0 | 3 |") == 1


def test_sections_measured_on_two_machines_say_on_which(tmp_path: Path) -> None:
    write(tmp_path, {"messages": a_measurement("Messages")}, ORDER)
    write(tmp_path, {"tickets": a_measurement("Tickets", machine="two")}, ORDER)

    text = (tmp_path / "benchmarks.md").read_text()
    assert "## Machine 2\n\n- Processor: two" in text
    assert "Measured 2026-11-22 on machine 2: `make bench ONLY=tickets`." in text
