"""Our addresses: which channel of which workspace what comes to them is for. Global, and readable by everybody."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text

from services.intake.adapters import tables
from services.intake.app.configuration import IntakePart
from services.intake.domain.reply_token import without_tag
from shared.db.sets import insert_new_set
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.vocabulary import ChannelKind

_COLUMNS = ("address", "kind", "workspace_id", "channel")
_ADD = insert_new_set(tables.address, _COLUMNS).returning(tables.address.c.address)
_MOVE = text(
    "UPDATE address a SET channel = w.channel, kind = w.kind"
    " FROM unnest(CAST(:addresses AS text[]), CAST(:kinds AS text[]), CAST(:channels AS text[]))"
    " AS w (address, kind, channel)"
    " WHERE a.address = w.address AND a.workspace_id = :workspace_id"
)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where what comes to one of our addresses goes."""

    workspace_id: str
    channel: str
    kind: ChannelKind


async def find_mail(database: Database, address: str) -> Destination | None:
    """The channel behind a mail address, whatever its tag; None for an address that is not ours."""
    found = await find(database, without_tag(address))
    return found if found and found.kind is ChannelKind.EMAIL else None


async def find(database: Database, address: str) -> Destination | None:
    """The channel that is named so; None for an address that is not ours."""
    t = tables.address.c
    query = select(t.workspace_id, t.channel, t.kind).where(t.address == address)
    row = (await database.transact(lambda tx: tx.execute(query))).one_or_none()
    return Destination(row.workspace_id, row.channel, ChannelKind(row.kind)) if row else None


async def check(tx: Tx, workspace_id: str, part: IntakePart) -> None:
    """Raises InvalidInput where another workspace has one of the part's addresses."""
    _refuse(part, await _taken(tx, workspace_id, _wanted(part)))


async def replace(tx: Tx, workspace_id: str, part: IntakePart) -> None:
    """Makes the workspace's addresses those of this part, in the commit of its configuration.

    Raises InvalidInput where another workspace has one of them.
    """
    wanted = _wanted(part)
    await check(tx, workspace_id, part)
    t = tables.address.c
    await tx.execute(delete(tables.address).where(t.workspace_id == workspace_id, t.address.not_in(list(wanted))))
    added = await tx.execute(_ADD, _columns(workspace_id, wanted))
    fresh = {row.address for row in added}
    await tx.execute(
        _MOVE,
        {
            "workspace_id": workspace_id,
            "addresses": list(wanted),
            "kinds": [kind for kind, _ in wanted.values()],
            "channels": [channel for _, channel in wanted.values()],
        },
    )
    # Somebody else may have been faster since the check.
    _refuse(part, await _taken(tx, workspace_id, set(wanted) - fresh))


def _wanted(part: IntakePart) -> dict[str, tuple[str, str]]:
    """Kind and channel by address, in order: who inserts in one order does not deadlock."""
    found = {item.address.lower(): (item.kind.value, item.id) for item in part.channels if item.address}
    return dict(sorted(found.items()))


def _columns(workspace_id: str, wanted: Mapping[str, tuple[str, str]]) -> dict[str, Sequence[str]]:
    return {
        "address": list(wanted),
        "kind": [kind for kind, _ in wanted.values()],
        "workspace_id": [workspace_id] * len(wanted),
        "channel": [channel for _, channel in wanted.values()],
    }


async def _taken(tx: Tx, workspace_id: str, addresses: Collection[str]) -> set[str]:
    if not addresses:
        return set()
    t = tables.address.c
    query = select(t.address).where(t.address.in_(list(addresses)), t.workspace_id != workspace_id)
    return {row.address for row in await tx.execute(query)}


def _refuse(part: IntakePart, taken: Collection[str]) -> None:
    problems = tuple(
        (f"/channels/{index}/address", "belongs to another workspace")
        for index, channel in enumerate(part.channels)
        if channel.address and channel.address.lower() in taken
    )
    if problems:
        raise InvalidInput("The configuration breaks rules.", problems=problems)
