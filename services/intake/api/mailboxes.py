"""`/v1/mailboxes`: how it is with the mailboxes that channels look into."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.intake.adapters.email.imap import rows
from services.intake.adapters.email.imap.rows import MailboxState, ShownMailbox
from shared.db.unit_of_work import Database
from shared.http.app import api_router
from shared.http.auth import Principal, allowed

_MOST_SKIPPED = 100


class SkippedResource(BaseModel):
    """A message that was not taken as it is. It stays at its server, as it was."""

    uid: int
    reason: str


class MailboxResource(BaseModel):
    """A mailbox that a channel looks into."""

    channel: str
    id: str
    state: MailboxState
    last_error: str | None = Field(description="`watching` with one: mail comes in all the same.")
    last_synced_at: datetime | None = Field(description="When all that was there was stored.")
    next_attempt_at: datetime | None = Field(description="When a failed one is tried again.")
    waiting: int = Field(description="Messages that are known and not stored yet.")
    uid_validity: int | None
    last_uid: int = Field(description="Up to here all messages are stored.")
    skipped: list[SkippedResource] = Field(description="The newest, at most 100.")


class MailboxList(BaseModel):
    """All of them."""

    items: list[MailboxResource]


def routes(database: Database) -> APIRouter:
    """Look."""
    router = api_router("mailboxes")

    @router.get("/v1/mailboxes")
    async def list_mailboxes(principal: Annotated[Principal, allowed("admin")]) -> MailboxList:
        """The mailboxes of the workspace's channels: whether they can be read, and how far they are."""
        workspace_id = principal.workspace_id
        found = await database.transact(lambda tx: rows.shown(tx, workspace_id), workspaces=[workspace_id])
        return MailboxList(items=[_resource(mailbox) for mailbox in found])

    return router


def _resource(mailbox: ShownMailbox) -> MailboxResource:
    return MailboxResource(
        channel=mailbox.channel,
        id=mailbox.mailbox_id,
        state=mailbox.state,
        last_error=mailbox.last_error,
        last_synced_at=mailbox.last_synced_at,
        next_attempt_at=mailbox.next_attempt_at,
        waiting=mailbox.waiting,
        uid_validity=mailbox.uid_validity,
        last_uid=mailbox.last_uid,
        skipped=[SkippedResource(uid=item.uid, reason=item.why) for item in mailbox.skipped[-_MOST_SKIPPED:]],
    )
