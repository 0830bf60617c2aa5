"""Lists of tickets: each filter that is given becomes a condition, so that each kind of list has its own plan."""

from collections.abc import Iterator

from sqlalchemy import ARRAY, ColumnElement, FromClause, Select, Text, bindparam, column, func, select, text, true
from sqlalchemy.sql.selectable import NamedFromClause

from services.intake.adapters import tables
from services.intake.adapters.messages import indexed
from services.intake.adapters.tickets import to_ticket
from services.intake.app.ports import TicketKey
from services.intake.app.queries import TicketFilter
from services.intake.domain.search import words_to_find
from services.intake.domain.ticket import Ticket
from shared.db.unit_of_work import Tx
from shared.errors import NotFound

_SEARCH = text("SELECT set_config('app.search', :words, true)")


class PostgresTicketLists:
    """Implements the port `Tickets` of queries."""

    async def find(
        self, tx: Tx, workspace_id: str, wanted: TicketFilter, before: int | None, most: int
    ) -> list[Ticket]:
        """The newest tickets that fit, of those with a number below `before`."""
        if wanted.text is not None:
            words = words_to_find(wanted.text)
            if not words:
                return []
            # A policy of the table of words shows only rows that have all of these (tables.ticket_words).
            await tx.execute(_SEARCH, {"words": " ".join(indexed(workspace_id, sorted(words)))})
        rows = (await tx.execute(_query(workspace_id, wanted, before, most))).mappings()
        return [to_ticket(row) for row in rows]

    async def get(self, tx: Tx, key: TicketKey) -> Ticket:
        """One ticket. Raises NotFound."""
        t = tables.ticket.c
        row = (
            (await tx.execute(select(tables.ticket).where(t.workspace_id == key[0], t.ticket_id == key[1])))
            .mappings()
            .one_or_none()
        )
        if row is None:
            raise NotFound("There is no such ticket.")
        return to_ticket(row)


def _query(workspace_id: str, wanted: TicketFilter, before: int | None, most: int) -> Select[tuple[object, ...]]:
    t = tables.ticket
    conditions = list(_conditions(t, workspace_id, wanted, before))
    if wanted.text is not None:
        words = tables.ticket_words
        found = select(words.c.ticket_id).distinct().subquery()
        joined = found.join(t, (t.c.workspace_id == workspace_id) & (t.c.ticket_id == found.c.ticket_id))
        chosen = select(t).select_from(joined).where(*conditions)
        if wanted.statuses:
            chosen = chosen.where(t.c.status.in_(wanted.statuses))
        return chosen.order_by(t.c.number.desc()).limit(most)
    if not wanted.statuses:
        return select(t).where(*conditions).order_by(t.c.number.desc()).limit(most)
    # The newest of each status, which an index has in order, and of these the newest.
    statuses = func.unnest(bindparam("statuses", list(wanted.statuses), ARRAY(Text)))
    one = statuses.table_valued(column("status", Text)).render_derived()
    newest = (
        select(t).where(*conditions, t.c.status == one.c.status).order_by(t.c.number.desc()).limit(most).lateral()
    )
    return select(newest).select_from(one.join(newest, true())).order_by(newest.c.number.desc()).limit(most)


def _conditions(
    t: FromClause | NamedFromClause, workspace_id: str, wanted: TicketFilter, before: int | None
) -> Iterator[ColumnElement[bool]]:
    yield t.c.workspace_id == workspace_id
    if before is not None:
        yield t.c.number < before
    if wanted.number is not None:
        yield t.c.number == wanted.number
    for name in ("queue", "assignee_id", "customer_id", "channel"):
        if (value := getattr(wanted, name)) is not None:
            yield t.c[name] == value
    if wanted.priorities:
        yield t.c.priority.in_(wanted.priorities)
    for label, value in wanted.labels:
        yield t.c.labels.contains({label: value})
    if wanted.opened_after is not None:
        yield t.c.opened_at >= wanted.opened_after
    if wanted.opened_before is not None:
        yield t.c.opened_at < wanted.opened_before
