"""Who has asked to be left alone for a while (`Retry-After`): until then nothing goes there, however new."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from services.escalation.domain.recipient import Way
from shared.db.unit_of_work import Tx

_UNTIL = text(
    "SELECT l.* FROM unnest(CAST(:workspaces AS text[]), CAST(:ways AS text[]), CAST(:addresses AS text[]))"
    " AS a (workspace_id, way, address) JOIN left_alone l USING (workspace_id, way, address)"
    " WHERE l.until > CAST(:now AS timestamptz)"
)
_NOTE = text(
    "INSERT INTO left_alone (workspace_id, way, address, until)"
    " SELECT a.workspace_id, a.way, a.address, a.until FROM unnest(CAST(:workspaces AS text[]),"
    " CAST(:ways AS text[]), CAST(:addresses AS text[]), CAST(:untils AS timestamptz[]))"
    " AS a (workspace_id, way, address, until) ORDER BY 1, 2, 3"
    " ON CONFLICT (workspace_id, way, address) DO UPDATE SET until = greatest(left_alone.until, excluded.until)"
)
_PUT_OFF = text(
    "UPDATE message m SET next_attempt_at = l.until"
    " FROM unnest(CAST(:workspaces AS text[]), CAST(:ways AS text[]), CAST(:addresses AS text[]))"
    " AS a (workspace_id, way, address) JOIN left_alone l USING (workspace_id, way, address)"
    " WHERE l.until > CAST(:now AS timestamptz) AND m.workspace_id = l.workspace_id AND m.way = l.way"
    " AND m.address = l.address AND m.next_attempt_at < l.until"
)


@dataclass(frozen=True, slots=True, order=True)
class Addressee:
    """Whom a message goes to: an address of one way, in one workspace."""

    workspace_id: str
    way: Way
    address: str


def columns(addressees: Iterable[Addressee]) -> dict[str, object]:
    """Addressees as the parameters of statements over whole sets."""
    ordered = list(addressees)
    return {
        "workspaces": [who.workspace_id for who in ordered],
        "ways": [who.way for who in ordered],
        "addresses": [who.address for who in ordered],
    }


async def until(tx: Tx, addressees: Collection[Addressee], now: datetime) -> Mapping[Addressee, datetime]:
    """Until when those of them want to be left alone who do."""
    found = await tx.execute(_UNTIL, {**columns(addressees), "now": now})
    return {Addressee(row.workspace_id, Way(row.way), row.address): row.until for row in found}


async def note(tx: Tx, wishes: Mapping[Addressee, datetime]) -> None:
    """Remembers until when some want to be left alone: the later one of what each has said."""
    await tx.execute(_NOTE, {**columns(wishes), "untils": list(wishes.values())})


async def put_off(tx: Tx, addressees: Collection[Addressee], now: datetime) -> None:
    """Puts all off that waits for those of them who want to be left alone."""
    await tx.execute(_PUT_OFF, {**columns(addressees), "now": now})
