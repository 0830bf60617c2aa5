"""`Idempotency-Key`: a POST that comes again gets the first answer again, and does nothing.

The key is scoped to workspace, caller, method and path. It commits with the effect it stands for: a crash
before leaves neither. Kept 48 hours. The same key with another body is 422; while the first request is under
way its repeat waits, and gets 409 after two seconds. Only successes are kept.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Self

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import text

from shared.db.unit_of_work import Database, Tx
from shared.errors import InvalidInput
from shared.http.auth import Principal, authenticate

_CLAIM = text(
    "INSERT INTO idempotency (workspace_id, subject, route, key, fingerprint)"
    " VALUES (:workspace_id, :subject, :route, :key, :fingerprint) ON CONFLICT DO NOTHING RETURNING 1"
)
_FIND = text(
    "SELECT fingerprint, status, headers, body FROM idempotency WHERE workspace_id = :workspace_id"
    " AND subject = :subject AND route = :route AND key = :key"
)
_STORE = text(
    "UPDATE idempotency SET status = :status, headers = CAST(:headers AS jsonb), body = :body"
    " WHERE workspace_id = :workspace_id AND subject = :subject AND route = :route AND key = :key"
)
_FORGET = text("DELETE FROM idempotency WHERE created_at < clock_timestamp() - interval '48 hours'")


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
class Once:
    """One request's claim to be done once. Without a key it claims nothing."""

    principal: Principal
    route: str
    key: str | None
    fingerprint: bytes

    async def transact(
        self, database: Database, unit: Callable[[Tx], Awaitable[Answer]], *, workspaces: Collection[str] = ()
    ) -> Response:
        """Runs `unit` in one transaction, or gives the answer it gave before.

        Raises InvalidInput for a key that was used with another body, and whatever the unit raises.
        """

        async def guarded(tx: Tx) -> Answer:
            if stored := await self.claim(tx):
                return stored
            answer = await unit(tx)
            await self.store(tx, answer)
            return answer

        scope = {self.principal.workspace_id, *workspaces}
        return (await database.transact(guarded, workspaces=scope)).response()

    async def claim(self, tx: Tx) -> Answer | None:
        """The stored answer of an earlier request, or None after taking the key for this one.

        Waits for a request with the same key that has not committed yet.
        """
        if self.key is None:
            return None
        if (await tx.execute(_CLAIM, {**self._name(), "fingerprint": self.fingerprint})).first():
            return None
        row = (await tx.execute(_FIND, self._name())).one()
        if row.fingerprint != self.fingerprint:
            raise InvalidInput("This Idempotency-Key was used with another request.")
        return Answer(row.status, row.body, row.headers)

    async def store(self, tx: Tx, answer: Answer) -> None:
        """Keeps the answer under the key that `claim` took."""
        if self.key is not None:
            stored = {
                "status": answer.status,
                "headers": json.dumps(dict(answer.headers)),
                "body": answer.body,
            }
            await tx.execute(_STORE, {**self._name(), **stored})

    def _name(self) -> dict[str, object]:
        return {
            "workspace_id": self.principal.workspace_id,
            "subject": self.principal.subject,
            "route": self.route,
            "key": self.key,
        }


async def _once(
    request: Request,
    principal: Annotated[Principal, Depends(authenticate)],
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=257,
            pattern=r'^("[ !#-~]{1,255}"|[!#-~][ !#-~]{0,254})$',
            description="Makes a repeat of this request harmless: it gets the first answer.",
        ),
    ] = None,
) -> Once:
    key = idempotency_key.strip('"') if idempotency_key else None
    body = await request.body() if key else b""
    fingerprint = hashlib.sha256(request.url.query.encode() + b"\n" + body).digest() if key else b""
    return Once(principal, f"{request.method} {request.url.path}", key, fingerprint)


OnceHeader = Annotated[Once, Depends(_once)]


async def forget_old(tx: Tx) -> None:
    """Deletes what is older than 48 hours, of the workspaces of this unit of work."""
    await tx.execute(_FORGET)
