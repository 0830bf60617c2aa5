"""Keeps a board up to date from the streams."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import datetime

from pydantic import BaseModel

from deploy.cli.answers import Escalation, KpiValue, Ticket
from deploy.cli.api import Refused, Service
from deploy.cli.board import DIMENSIONS, KPIS, Board
from deploy.cli.errors import CliError
from deploy.cli.sse import follow

_ESCALATIONS_S = 2.0
_OPEN = ("raised", "acknowledged")


class _Frame(BaseModel):
    as_of: datetime
    values: list[KpiValue]


async def keep_up(board: Board, services: Mapping[str, Service], has_changed: Callable[[], bool]) -> None:
    """Follows the numbers, and looks for escalations beside them, until `has_changed` says that it is enough.

    Raises CliError.
    """
    query = {"by": DIMENSIONS, "kpi": KPIS}
    try:
        async with (
            asyncio.TaskGroup() as group,
            aclosing(follow(services["metrics"], "/v1/kpis/stream", query)) as events,
        ):
            looking = group.create_task(_look_for_escalations(board, services, has_changed))
            async for event in events:
                frame = _Frame.model_validate_json(event.data)
                (board.reset if event.name == "snapshot" else board.update)(frame.as_of, frame.values)
                if not has_changed():
                    break
            looking.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def read_escalations(board: Board, services: Mapping[str, Service]) -> None:
    """The escalations that are open now. Where escalation is away the last ones stay."""
    try:
        board.escalations = [
            one
            for state in _OPEN
            for one in await services["escalation"].pages("/v1/escalations", Escalation, {"state": state}, most=20)
        ]
        for one in board.escalations:
            if one.ticket_id is not None and str(one.ticket_id) not in board.ticket_numbers:
                ticket = await services["intake"].get(f"/v1/tickets/{one.ticket_id}", Ticket)
                board.ticket_numbers[str(one.ticket_id)] = ticket.number
    except Refused as refused:
        if refused.status < 500:
            raise
    except CliError:
        pass


async def _look_for_escalations(
    board: Board, services: Mapping[str, Service], has_changed: Callable[[], bool]
) -> None:
    while True:
        await asyncio.sleep(_ESCALATIONS_S)
        await read_escalations(board, services)
        has_changed()
