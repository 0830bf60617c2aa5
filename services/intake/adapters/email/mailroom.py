"""The door, whichever way something comes: what it says yes to is stored. Reading it comes after."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from pydantic import BaseModel

from services.intake.adapters.bells import Bells
from services.intake.adapters.bytes_in_hand import BytesInHand
from services.intake.adapters.email.fresh import Fresh
from services.intake.adapters.email.raws import PostgresRaws
from services.intake.adapters.email.tokens import use_tokens
from services.intake.adapters.email.waiting import Waiters, Waiting
from services.intake.app.mail_ports import MAIL, Blobs, Outcome, Raw, RawState
from services.intake.app.ports import Workspaces
from services.intake.domain.message import Disposition
from services.intake.domain.workspace import UNREADABLE, Workspace
from shared.db.group_commit import GroupCommit
from shared.db.unit_of_work import Database, Tx
from shared.db.workspaces import SeenWorkspaces
from shared.errors import InvalidInput, NotAllowed, NotFound, Unavailable, WaypostError
from shared.http.idempotency import Answer, Answered, Once, find, store
from shared.ids import IdFactory
from shared.telemetry.names import Log
from shared.telemetry.tracing import continued, current_traceparent
from shared.vocabulary import ChannelKind

log = structlog.get_logger()

_GROUP = 64
_MAX_IN_HAND = 128 << 20
"""Bytes of mail that servers, mailboxes and tools are bringing at one time, at most."""
_LARGE = 262_144
"""Bytes that are not hashed on the event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedToken:
    """A token that may be used once. sha256: of what it is used with."""

    token: str
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A mail at the door, or what a provider posts.

    sender: of the envelope, empty for a null sender, None where there is no envelope
    form: `mail`, or the name of the provider; headers: of the post, those that reading needs
    token: that it uses up
    refusal: why nobody needs to try to read it; named: by what people may be known who stand in it then
    """

    workspace_id: str
    channel: str
    sender: str | None
    recipients: tuple[str, ...]
    content: bytes
    form: str = MAIL
    headers: Mapping[str, str] = field(default_factory=dict)
    token: UsedToken | None = None
    refusal: str | None = None
    named: tuple[str, ...] = field(default=(), repr=False)


class Accepted(BaseModel):
    """The answer that an Idempotency-Key keeps: where to look for what became of the mail."""

    raw_id: UUID


@dataclass(frozen=True, slots=True)
class _Item:
    mail: Incoming
    raw_id: UUID
    sha256: bytes
    traceparent: str
    once: Once | None


class Mailroom:
    """Stores mail as it came, many in one commit.

    in_hand: of those who bring mail; whoever calls has the bytes counted there, or elsewhere, until it is stored
    """

    def __init__(
        self,
        database: Database,
        raws: PostgresRaws,
        workspaces: Workspaces,
        blobs: Blobs,
        seen: SeenWorkspaces,
        ids: IdFactory,
        *,
        bells: Bells,
        fresh: Fresh,
        waiters: Waiters,
    ) -> None:
        self._database = database
        self._raws = raws
        self._workspaces = workspaces
        self._blobs = blobs
        self._seen = seen
        self._ids = ids
        self._bells = bells
        self._fresh = fresh
        self._waiters = waiters
        self.in_hand = BytesInHand(_MAX_IN_HAND)
        self._group: GroupCommit[_Item, UUID] = GroupCommit(self._commit, key=_key, most=_GROUP)

    async def accept(self, mail: Incoming, once: Once | None = None, raw_id: UUID | None = None) -> UUID:
        """Stores a mail; its id, after the commit. The same Idempotency-Key gives the same id.

        raw_id: by default a new one

        Raises NotFound for a channel that is not there, InvalidInput for one that is not for mail, and
        TransientError where nothing was stored or nobody knows.
        """
        return await self._accept(mail, raw_id or self._ids.new(), once)

    async def accept_all(self, mails: Sequence[Incoming]) -> list[UUID]:
        """Stores several, which are read in this order; their ids.

        Raises as `accept`, once nothing is under way any more: some of them may be stored then.
        """
        ids = sorted(self._ids.new() for _ in mails)
        accepting = [self._accept(mail, raw_id, None) for mail, raw_id in zip(mails, ids, strict=True)]
        results = await asyncio.gather(*accepting, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return ids

    def waiting(self) -> AbstractContextManager[Waiting]:
        """One who brings a mail and waits for what becomes of it: `accept` it with this one's id."""
        return self._waiters.waiting(self._ids.new())

    async def _accept(self, mail: Incoming, raw_id: UUID, once: Once | None) -> UUID:
        is_large = len(mail.content) > _LARGE
        hashing = partial(hashlib.sha256, mail.content)
        sha256 = (await asyncio.to_thread(hashing) if is_large else hashing()).digest()
        traceparent = current_traceparent.get() or continued(None)
        return await self._group.submit(_Item(mail, raw_id, sha256, traceparent, once))

    async def _commit(self, items: Sequence[_Item]) -> list[UUID | WaypostError]:
        workspaces = {item.mail.workspace_id for item in items}
        stored = await self._blobs.stage(
            {(item.mail.workspace_id, item.sha256): item.mail.content for item in items}
        )

        async def unit(tx: Tx) -> list[UUID | WaypostError]:
            await self._seen.remember(tx, workspaces)
            configured = await self._workspaces.load(tx, workspaces)
            earlier = await self._earlier(tx, items)
            results = [
                before or _refusal(item.mail, configured[item.mail.workspace_id]) or item.raw_id
                for item, before in zip(items, earlier, strict=True)
            ]
            results = await _without_used(tx, items, results)
            fresh = [item for item, result in zip(items, results, strict=True) if result == item.raw_id]
            if fresh:
                now = await tx.now()
                await self._raws.add(tx, [_raw(item, now) for item in fresh])
                await stored(tx)
                if refused := [_set_aside(item, now) for item in fresh if item.mail.refusal]:
                    await self._raws.settle(tx, refused)
                await store(tx, [(item.once, _keep(item)) for item in fresh if item.once])
                await self._bells.ring_after(tx, {item.mail.workspace_id for item in fresh})
                tx.after_commit(lambda: self._committed(fresh))
            return results

        return await self._database.transact(unit, workspaces=workspaces)

    async def _earlier(self, tx: Tx, items: Sequence[_Item]) -> list[UUID | WaypostError | None]:
        """What a repeated request stored the first time."""
        keyed = [item.once for item in items if item.once]
        found = iter(await find(tx, keyed))
        return [_again(item.once, next(found)) if item.once else None for item in items]

    def _committed(self, items: Sequence[_Item]) -> None:
        for item in items:
            self._fresh.keep(item.raw_id, item.mail.content)
        log.info(Log.MAIL_RECEIVED, mails=len(items))


def _key(item: _Item) -> tuple[str, ...] | None:
    """Two with one Idempotency-Key, or one token, never share a commit: the second has to find the first."""
    if item.mail.token:
        return item.mail.workspace_id, item.mail.channel, item.mail.token.token
    return item.once.name if item.once and item.once.key is not None else None


def _raw(item: _Item, now: datetime) -> Raw:
    return Raw(
        workspace_id=item.mail.workspace_id,
        raw_id=item.raw_id,
        channel=item.mail.channel,
        sender=item.mail.sender,
        recipients=item.mail.recipients,
        sha256=item.sha256,
        size=len(item.mail.content),
        received_at=now,
        traceparent=item.traceparent,
        form=item.mail.form,
        headers=item.mail.headers,
    )


def _set_aside(item: _Item, now: datetime) -> Outcome:
    return Outcome(
        raw=_raw(item, now),
        state=RawState.QUARANTINED,
        disposition=Disposition.QUARANTINED,
        reason=item.mail.refusal,
        people=frozenset(name.lower() for name in item.mail.named),
    )


async def _without_used(
    tx: Tx, items: Sequence[_Item], results: Sequence[UUID | WaypostError]
) -> list[UUID | WaypostError]:
    """The results; of what brings a token that was used, the first one's, unless that was something else."""
    named = {
        (item.mail.workspace_id, item.mail.channel, item.mail.token.token): (item.mail.token.sha256, item.raw_id)
        for item, result in zip(items, results, strict=True)
        if item.mail.token and result == item.raw_id
    }
    used = await use_tokens(tx, named)

    def result_of(item: _Item, result: UUID | WaypostError) -> UUID | WaypostError:
        if item.mail.token is None or result != item.raw_id:
            return result
        sha256, raw_id = used[item.mail.workspace_id, item.mail.channel, item.mail.token.token]
        return raw_id if sha256 == item.mail.token.sha256 else NotAllowed("The token was used for something else.")

    return [result_of(item, result) for item, result in zip(items, results, strict=True)]


def _refusal(mail: Incoming, workspace: Workspace) -> WaypostError | None:
    if not workspace.is_readable:
        return Unavailable(UNREADABLE)
    channel = workspace.channels.get(mail.channel)
    if channel is None:
        return NotFound("There is no such channel.")
    if mail.form == MAIL and channel.kind is not ChannelKind.EMAIL:
        return InvalidInput("The channel is not for mail.", problems=(("channel", "not of kind email"),))
    return None


def _keep(item: _Item) -> Answer:
    return Answer.of(202, Accepted(raw_id=item.raw_id))


def _again(once: Once, before: Answered | None) -> UUID | WaypostError | None:
    if before is None:
        return None
    try:
        return Accepted.model_validate_json(before.unless_other(once).body).raw_id
    except InvalidInput as refusal:
        return refusal
