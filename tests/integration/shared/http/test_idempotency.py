"""`Idempotency-Key` on a real database: done once, whoever asks again and when."""

import asyncio
from hashlib import sha256

import pytest
from sqlalchemy import text

from shared.db.unit_of_work import Tx
from shared.errors import Conflict, InvalidInput
from shared.http.auth import Principal
from shared.http.idempotency import Answer, Once, forget_old
from tests.integration.shared.node import Ground

_INSERT = text("INSERT INTO note (workspace_id, subject, sequence, holder) VALUES ('acme', :subject, 1, 'h')")


def once(key: str | None, body: bytes = b"{}", *, subject: str = "ann", route: str = "POST /v1/x") -> Once:
    who = Principal(workspace_id="acme", subject=subject, scopes=frozenset(), jti=None, expires_at=0)
    return Once(who, route, key, sha256(body).digest())


class Effects:
    """Counts how often something was really done."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.tries = 0

    async def unit(self, tx: Tx) -> Answer:
        self.tries += 1
        await tx.execute(_INSERT, {"subject": f"s{self.tries}"})
        return Answer(201, b'{"made": %d}' % self.tries, {"ETag": '"1"'})

    async def done(self) -> int:
        return len(await self.ground.notes("acme"))


async def test_a_repeat_gets_the_first_answer_and_does_nothing(ground: Ground) -> None:
    effects = Effects(ground)
    first = await once("k").transact(ground.database, effects.unit)
    again = await once("k").transact(ground.database, effects.unit)
    assert (first.status_code, first.body, first.headers["etag"]) == (201, b'{"made": 1}', '"1"')
    assert (again.status_code, again.body, again.headers["etag"]) == (201, b'{"made": 1}', '"1"')
    assert await effects.done() == 1


async def test_the_same_key_with_another_body_is_refused(ground: Ground) -> None:
    effects = Effects(ground)
    await once("k").transact(ground.database, effects.unit)
    with pytest.raises(InvalidInput):
        await once("k", b'{"other": 1}').transact(ground.database, effects.unit)
    assert await effects.done() == 1


async def test_keys_belong_to_caller_and_route(ground: Ground) -> None:
    effects = Effects(ground)
    for request in (once("k"), once("k", subject="bob"), once("k", route="POST /v1/y"), once("l")):
        await request.transact(ground.database, effects.unit)
    assert await effects.done() == 4


async def test_without_a_key_every_request_is_new(ground: Ground) -> None:
    effects = Effects(ground)
    for _ in range(3):
        await once(None).transact(ground.database, effects.unit)
    assert await effects.done() == 3


async def test_twenty_at_once_do_it_once(ground: Ground) -> None:
    effects = Effects(ground)
    answers = await asyncio.gather(*(once("k").transact(ground.database, effects.unit) for _ in range(20)))
    assert len({answer.body for answer in answers}) == 1
    assert await effects.done() == 1


async def test_a_refused_request_keeps_nothing_and_may_come_again(ground: Ground) -> None:
    effects = Effects(ground)

    async def refused(tx: Tx) -> Answer:
        await effects.unit(tx)
        raise Conflict

    with pytest.raises(Conflict):
        await once("k").transact(ground.database, refused)
    assert await effects.done() == 0
    await once("k").transact(ground.database, effects.unit)
    assert await effects.done() == 1


async def test_a_key_is_forgotten_after_two_days(ground: Ground) -> None:
    effects = Effects(ground)
    await once("k").transact(ground.database, effects.unit)

    async def grow_old(tx: Tx, hours: str) -> None:
        await tx.execute(text(f"UPDATE idempotency SET created_at = created_at - interval '{hours}'"))
        await forget_old(tx)

    await ground.database.transact(lambda tx: grow_old(tx, "47 hours"), workspaces=["acme"])
    await once("k").transact(ground.database, effects.unit)
    assert await effects.done() == 1
    await ground.database.transact(lambda tx: grow_old(tx, "2 hours"), workspaces=["acme"])
    await once("k").transact(ground.database, effects.unit)
    assert await effects.done() == 2
