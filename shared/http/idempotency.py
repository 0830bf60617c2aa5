"""`Idempotency-Key`: a POST that comes again gets the first answer again, and does nothing.

The key is scoped to workspace, caller, method and path. It commits with the effect it stands for: a crash
before leaves neither. Kept 48 hours. The same key with another body is 422; while the first request is under
way its repeat waits, and gets 409 after two seconds. Only successes are kept.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Self

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import text

from shared.db import tables
from shared.db.engine import Collision
from shared.db.housekeeping import delete_portion
from shared.db.sets import insert_new_set, transposed
from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.http.auth import Principal

_FIND = text(
    "SELECT i.workspace_id, i.subject, i.route, i.key, i.fingerprint, i.status, i.headers, i.body"
    " FROM unnest(CAST(:workspace_id AS text[]), CAST(:subject AS text[]), CAST(:route AS text[]),"
    " CAST(:key AS text[])) AS w (workspace_id, subject, route, key)"
    " JOIN idempotency i USING (workspace_id, subject, route, key)"
)
_COLUMNS = ("workspace_id", "subject", "route", "key", "fingerprint", "status", "headers", "body")
_STORE = insert_new_set(tables.idempotency, _COLUMNS).returning(tables.idempotency.c.key)
_KEPT = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer, as it is sent and kept."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, model: BaseModel, *, headers: Mapping[str, str] | None = None) -> Self:
        """The answer that carries a model."""
        return cls(status, model.model_dump_json(by_alias=True).encode(), headers or {})

    def response(self) -> Response:
        """For FastAPI."""
        return Response(self.body, self.status, dict(self.headers), "application/json")


@dataclass(frozen=True, slots=True)
class Answered:
    """A stored answer, and which body it answered."""

    answer: Answer
    fingerprint: bytes

    def checked(self, request: "Once") -> Answer | InvalidInput:
        """As `unless_other`, with the refusal as a value: for one of several requests in a commit."""
        try:
            return self.unless_other(request)
        except InvalidInput as refusal:
            return refusal

    def unless_other(self, request: "Once") -> Answer:
        """The answer. Raises InvalidInput where this request is not the one that it answered."""
        if self.fingerprint != request.fingerprint:
            raise InvalidInput("This Idempotency-Key was used with another request.")
        return self.answer


@dataclass(frozen=True, slots=True)
class Once:
    """One request's claim to be done once. Without a key it claims nothing."""

    principal: Principal
    route: str
    key: str | None
    fingerprint: bytes

    @classmethod
    def without_key(cls, workspace_id: str, subject: str) -> Self:
        """For what is harmless to do again."""
        principal = Principal(
            workspace_id=workspace_id, subject=subject, scopes=frozenset(), jti=None, expires_at=0
        )
        return cls(principal, "", None, b"")

    async def transact(
        self, database: Database, unit: Callable[[Tx], Awaitable[Answer]], *, workspaces: Collection[str] = ()
    ) -> Response:
        """Runs `unit` in one transaction, or gives the answer it gave before.

        Raises InvalidInput for a key that was used with another body, and whatever the unit raises.
        """

        async def guarded(tx: Tx) -> Answer:
            (stored,) = await find(tx, [self])
            if stored is not None:
                return stored.unless_other(self)
            answer = await unit(tx)
            await store(tx, [(self, answer)])
            return answer

        scope = {self.principal.workspace_id, *workspaces}
        return (await database.transact(guarded, workspaces=scope)).response()

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What the key is scoped to, and the key."""
        return self.principal.workspace_id, self.principal.subject, self.route, self.key or ""


async def find(tx: Tx, requests: Sequence[Once]) -> list[Answered | None]:
    """What each of these requests was answered before, if it was."""
    keyed = {request.name for request in requests if request.key is not None}
    found: dict[tuple[str, ...], Answered] = {}
    if keyed:
        columns = zip(
            ("workspace_id", "subject", "route", "key"), map(list, zip(*keyed, strict=True)), strict=True
        )
        for row in await tx.execute(_FIND, dict(columns)):
            answer = Answer(row.status, row.body, row.headers)
            found[row.workspace_id, row.subject, row.route, row.key] = Answered(answer, row.fingerprint)
    return [found.get(request.name) if request.key is not None else None for request in requests]


async def store(tx: Tx, answers: Iterable[tuple[Once, Answer]]) -> None:
    """Keeps answers in the transaction of their effects; no key may stand twice among them.

    Waits for a transaction that stores the same key, and raises Collision when it has: run again, this unit
    of work finds that answer.
    """
    rows = [
        {
            **dict(zip(_COLUMNS, request.name, strict=False)),
            "fingerprint": request.fingerprint,
            "status": answer.status,
            "headers": dict(answer.headers),
            "body": answer.body,
        }
        for request, answer in sorted(answers, key=lambda item: item[0].name)
        if request.key is not None
    ]
    if rows and len((await tx.execute(_STORE, transposed(rows, _COLUMNS))).all()) != len(rows):
        raise Collision("another request stored this key")


async def _once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=257,
            pattern=r'^("[ !#-~]{1,255}"|[!#-~][ !#-~]{0,254})$',
            description="Makes a repeat of this request harmless: it gets the first answer.",
        ),
    ] = None,
) -> Once:
    principal: Principal = request.state.principal
    key = idempotency_key.strip('"') if idempotency_key else None
    body = await request.body() if key else b""
    fingerprint = hashlib.sha256(request.url.query.encode() + b"\n" + body).digest() if key else b""
    return Once(principal, f"{request.method} {request.url.path}", key, fingerprint)


OnceHeader = Annotated[Once, Depends(_once)]
"""Stands behind the parameter that names the caller: it reads who that is from the request's state."""


async def forget_old(tx: Tx) -> bool:
    """Deletes what is older than 48 hours: a chore of housekeeping."""
    return await delete_portion(tx, tables.idempotency, tables.idempotency.c.created_at < await tx.now() - _KEPT)
