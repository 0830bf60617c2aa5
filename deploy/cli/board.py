"""What operations staff look at: queues, agents, breaches, escalations and numbers, as they are now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel
from rich.columns import Columns
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy.cli.answers import Escalation, KpiValue
from deploy.cli.output import clock_time, duration, printable, table

DIMENSIONS = ("workspace", "queue")
KPIS = (
    "volume",
    "waiting",
    "oldest_waiting",
    "time_to_assign",
    "first_reply",
    "full_resolution",
    "sla_attainment",
    "breaches",
    "backlog",
    "agents",
    "agents.available",
    "agents.busy",
    "agents.away",
    "agents.off_duty",
    "agents.offline",
)
_STATES = ("available", "busy", "away", "off_duty", "offline")
_NUMBERS = (
    "volume",
    "backlog",
    "time_to_assign",
    "first_reply",
    "full_resolution",
    "sla_attainment",
    "breaches",
)
_WINDOWS = ("15m", "60m", "today")
_OLD_S = 60.0

Key = tuple[str, str, tuple[tuple[str, str], ...]]


class BoardOutline(BaseModel):
    """The board, for programs."""

    as_of: datetime | None
    values: list[KpiValue]
    escalations: list[Escalation]


@dataclass
class Board:
    """Everything that the board shows. Values come as a snapshot, then one by one."""

    workspace_id: str
    values: dict[Key, KpiValue] = field(default_factory=dict)
    escalations: Sequence[Escalation] = ()
    ticket_numbers: dict[str, int] = field(default_factory=dict)
    as_of: datetime | None = None

    def reset(self, as_of: datetime, values: Iterable[KpiValue]) -> None:
        """Takes a snapshot."""
        self.values.clear()
        self.update(as_of, values)

    def update(self, as_of: datetime, values: Iterable[KpiValue]) -> None:
        """Takes what has changed."""
        self.as_of = as_of
        self.values.update({_key(value.kpi, value.window, value.scope): value for value in values})

    def value(self, kpi: str, window: str = "now", **scope: str) -> float | None:
        """One number; none where nothing was measured."""
        found = self.values.get(_key(kpi, window, scope))
        return found.value if found else None

    def outline(self) -> BoardOutline:
        """The board as it is printed for programs."""
        return BoardOutline(
            as_of=self.as_of, values=list(self.values.values()), escalations=list(self.escalations)
        )


def _key(kpi: str, window: str, scope: Mapping[str, str]) -> Key:
    return kpi, window, tuple(sorted(scope.items()))


def render(board: Board) -> Group:
    """The board as it is shown."""
    at = clock_time(board.as_of) if board.as_of else "waiting for the first numbers"
    title = Text.assemble(("Waypost ", "bold"), (board.workspace_id, "bold cyan"), (f"  {at}", "dim"))
    return Group(
        title,
        Columns([_queues(board), _agents(board)], padding=(0, 4)),
        numbers(board.values.values()),
        _escalations(board),
    )


def _queues(board: Board) -> Table:
    shown = table("queue", "waiting", "oldest", "backlog", "breaches today")
    names = sorted({value.scope["queue"] for value in board.values.values() if "queue" in value.scope})
    for name in names:
        oldest = board.value("oldest_waiting", queue=name)
        shown.add_row(
            name,
            _count(board.value("waiting", queue=name)),
            Text(duration(oldest), "red" if oldest > _OLD_S else "") if oldest is not None else "-",
            _count(board.value("backlog", queue=name)),
            _alarming(board.value("breaches", "today", queue=name)),
        )
    shown.add_section()
    oldest = board.value("oldest_waiting")
    shown.add_row(
        Text("all", "bold"),
        _count(board.value("waiting")),
        "-" if oldest is None else duration(oldest),
        _count(board.value("backlog")),
        _alarming(board.value("breaches", "today")),
    )
    return shown


def _agents(board: Board) -> Table:
    shown = table("agents", "")
    for state in _STATES:
        count = board.value(f"agents.{state}")
        shown.add_row(
            state.replace("_", " "), Text(_count(count), "green" if state == "available" and count else "")
        )
    return shown


def numbers(values: Iterable[KpiValue]) -> Table:
    """The workspace's numbers over several windows."""
    by_key = {_key(one.kpi, one.window, one.scope): one for one in values}
    shown = table("number", "now", *_WINDOWS)
    for kpi in _NUMBERS:
        cells = []
        for window in ("now", *_WINDOWS):
            found = by_key.get(_key(kpi, window, {}))
            cells.append(_shown(found))
        shown.add_row(kpi.replace("_", " "), *cells)
    return shown


def _shown(value: KpiValue | None) -> str:
    if value is None or value.value is None:
        return "-"
    match value.unit:
        case "seconds":
            return duration(value.value)
        case "percent":
            return f"{value.value:.0f} % of {value.samples}"
        case _:
            return _count(value.value)


def _escalations(board: Board) -> Panel | Text:
    if not board.escalations:
        return Text("No open escalations.", style="dim")
    shown = table("about", "because of", "policy", "level", "state", "by")
    for one in board.escalations:
        shown.add_row(
            printable(_about(one, board.ticket_numbers)),
            (one.metric or one.trigger).replace("_", " "),
            one.policy,
            str(one.level),
            Text(one.state, "red" if one.state == "raised" else "yellow"),
            printable(one.acknowledged_by or "-"),
        )
    return Panel(shown, title="open escalations", title_align="left", border_style="red", expand=False)


def _about(escalation: Escalation, numbers: Mapping[str, int]) -> str:
    """A ticket by its number, a KPI, or a queue."""
    if escalation.ticket_id is None:
        return " of ".join(filter(None, (escalation.kpi, escalation.queue))) or "-"
    number = numbers.get(str(escalation.ticket_id))
    return f"#{number}" if number else str(escalation.ticket_id)[-6:]


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _alarming(value: float | None) -> Text:
    return Text(_count(value), "bold red" if value else "")
