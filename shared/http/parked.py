"""Parked records over HTTP, the same for every service: look, replay, discard."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel
from sqlalchemy import select, update

from shared.db import tables
from shared.db.unit_of_work import Database, Tx
from shared.errors import NotFound
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.pagination import CursorQuery, Page, decode_cursor, page
from shared.http.parameters import Limit

ParkedId = Annotated[int, Path(ge=1, lt=2**63)]


class ParkedRecord(BaseModel):
    """A record that could not be applied, or that follows one of the same subject."""

    id: int
    subject: str
    sequence: int | None
    reason: str
    detail: str
    request: str | None
    parked_at: datetime
    topic: str
    partition: int
    offset: int


class ParkedDetail(ParkedRecord):
    """A parked record with what it carries; bytes that are not UTF-8 are shown as replacement characters."""

    value: str | None


def routes(database: Database) -> APIRouter:
    """`/v1/parked` of one service."""
    router = api_router("parked")
    t = tables.parked.c

    @router.get("/v1/parked")
    async def list_parked(
        principal: Annotated[Principal, allowed("admin")], limit: Limit = 50, cursor: CursorQuery = None
    ) -> Page[ParkedRecord]:
        """Records that could not be applied, oldest first."""
        after = decode_cursor(cursor, int)
        query = (
            select(tables.parked).where(t.workspace_id == principal.workspace_id).order_by(t.id).limit(limit + 1)
        )
        if after:
            query = query.where(t.id > after[0])

        async def unit(tx: Tx) -> Page[ParkedRecord]:
            rows = (await tx.execute(query)).mappings().all()
            return page(rows, limit, lambda row: (row["id"],), lambda row: ParkedRecord(**_fields(row)))

        return await database.transact(unit, workspaces=[principal.workspace_id])

    @router.get("/v1/parked/{parked_id}")
    async def show_parked(parked_id: ParkedId, principal: Annotated[Principal, allowed("admin")]) -> ParkedDetail:
        """One record, with what it carries."""

        async def unit(tx: Tx) -> ParkedDetail:
            query = select(tables.parked).where(t.workspace_id == principal.workspace_id, t.id == parked_id)
            row = (await tx.execute(query)).mappings().one_or_none()
            if row is None:
                raise NotFound
            value = row["record_value"]
            return ParkedDetail(**_fields(row), value=None if value is None else value.decode(errors="replace"))

        return await database.transact(unit, workspaces=[principal.workspace_id])

    @router.post("/v1/parked/{parked_id}/replay", status_code=202)
    async def replay_parked(
        parked_id: ParkedId, principal: Annotated[Principal, allowed("admin")]
    ) -> ParkedRecord:
        """Tries it again, and then, in order, what follows it of the same subject."""
        return await _request(database, principal, parked_id, "replay")

    @router.post("/v1/parked/{parked_id}/discard", status_code=202)
    async def discard_parked(
        parked_id: ParkedId, principal: Annotated[Principal, allowed("admin")]
    ) -> ParkedRecord:
        """Gives it up for good; what follows it of the same subject is tried again."""
        return await _request(database, principal, parked_id, "discard")

    return router


async def _request(database: Database, principal: Principal, parked_id: int, request: str) -> ParkedRecord:
    t = tables.parked.c

    async def unit(tx: Tx) -> ParkedRecord:
        change = (
            update(tables.parked)
            .where(t.workspace_id == principal.workspace_id, t.id == parked_id)
            .values(request=request)
            .returning(tables.parked)
        )
        row = (await tx.execute(change)).mappings().one_or_none()
        if row is None:
            raise NotFound
        return ParkedRecord(**_fields(row))

    return await database.transact(unit, workspaces=[principal.workspace_id])


def _fields(row: object) -> dict[str, object]:
    columns = dict(row)  # type: ignore[call-overload] # a row mapping
    names = ("id", "subject", "sequence", "reason", "detail", "request", "parked_at", "topic", "partition")
    return {**{name: columns[name] for name in names}, "offset": columns["record_offset"]}
