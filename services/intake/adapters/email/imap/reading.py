"""Takes in what is new in an open mailbox.

Mail is stored first; then the cursor moves; then the mail is marked, moved or deleted at its server. A crash
in between fetches some of it again, which is recognised as a repeat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

import structlog

from services.intake.adapters.email.imap.client import BATCH_BYTES, Folder, ImapClient
from services.intake.adapters.email.imap.errors import Refused
from services.intake.adapters.email.imap.ledger import Ledger
from services.intake.adapters.email.imap.replies import Fetched
from services.intake.adapters.email.imap.rows import Cursor, Skipped
from services.intake.adapters.email.mailroom import Incoming, Mailroom
from services.intake.adapters.email.turns import Turns
from services.intake.adapters.naming import named_in_mail
from services.intake.domain.mailbox import After, RemoteMailbox
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_BATCH = 32
_PART = 1 << 20
"""So much is kept of a mail that is too large: the whole one stays at its server."""
_SLACK = 65_536
"""Servers are not always exact about how large a message is."""


_AT_ONCE, _OF_WORKSPACE = 32, 8
"""Mailboxes that bring mail at one time, and those of one workspace among them."""
_ROOM = 64 << 20
"""Bytes that they bring at one time: a server of somebody else may take minutes over them."""


class Taking:
    """How mails are taken. max_bytes: the largest that is read; turns: whose mailboxes bring some"""

    def __init__(self, mailroom: Mailroom, *, max_bytes: int, metrics: Metrics) -> None:
        self.mailroom = mailroom
        self.max_bytes = max_bytes
        self.turns = Turns(_AT_ONCE, share=_OF_WORKSPACE, room=_ROOM)
        self.fetched = metrics.counter("mailbox_mails", "Mails that were fetched from mailboxes.", "outcome")


class Reader:
    """Reads one mailbox. trouble: what does not work, though mail comes in"""

    def __init__(self, ledger: Ledger, mailbox: RemoteMailbox, taking: Taking) -> None:
        self._ledger = ledger
        self._mailbox = mailbox
        self._taking = taking
        self._log = log.bind(channel=ledger.key.channel, mailbox=mailbox.mailbox_id)
        self.trouble: str | None = None

    async def read(self, client: ImapClient) -> None:
        """Takes in all that is new. Raises what the client, the ledger and the mailroom raise."""
        self.trouble = None
        folder = await client.select(self._mailbox.folder)
        cursor = await self._settle_left(client, await self._start(folder))
        while _may_have_more(folder, cursor) and (listed := await client.list_after(cursor.last_uid)):
            at = 0
            while at < len(listed):
                cursor, at = await self._go_on(client, listed, at, cursor)
            self._log.info(Log.MAILBOX_READ, mails=len(listed))
            folder = await client.select(self._mailbox.folder)
            cursor = await self._start(folder)
        await self._ledger.well(self.trouble)

    async def _start(self, folder: Folder) -> Cursor:
        """Where to go on. Numbers of another validity are those of other messages: all are read again."""
        cursor = await self._ledger.load()
        if cursor.uid_validity == folder.uid_validity:
            return cursor
        if cursor.uid_validity is not None:
            self._log.warning(Log.MAILBOX_RENUMBERED, uid_validity=folder.uid_validity)
        fresh = replace(cursor, uid_validity=folder.uid_validity, last_uid=0, settled_uid=0, skipped=())
        return await self._ledger.save(fresh)

    async def _go_on(
        self, client: ImapClient, listed: list[Fetched], at: int, cursor: Cursor
    ) -> tuple[Cursor, int]:
        """Takes in the next of the listed messages; where the ones after them begin."""
        limit = self._taking.max_bytes
        batch = _batch(listed, at, limit)
        size = sum(_size(message, limit) for message in batch)
        async with self._taking.turns.turn(self._ledger.key.workspace_id, size):
            found, taken = await self._fetch(client, batch)
            # What was larger than was said comes again, with its true size.
            listed[at : at + len(batch)] = [_with_size(message, found) for message in batch]
            at += len(taken)
            return await self._take(client, taken, found, replace(cursor, waiting=len(listed) - at)), at

    async def _fetch(
        self, client: ImapClient, batch: Sequence[Fetched]
    ) -> tuple[dict[int, Fetched], Sequence[Fetched]]:
        """What the server gives of a batch, and how much of the batch that is: at least its first message."""
        limit = self._taking.max_bytes
        large = [message.uid for message in batch if (message.size or 0) > limit]
        normal = [message.uid for message in batch if message.uid not in large]
        found = await client.fetch(normal, keep=limit + _SLACK) if normal else {}
        for uid in large:
            found |= await client.fetch([uid], keep=min(limit, _PART), is_part=True)
        cut = [place for place, message in enumerate(batch) if _is_cut(found.get(message.uid))]
        if cut[:1] == [0] and len(batch) > 1:
            # The server gives the others first: alone it has its place.
            found.clear()
            return await self._fetch(client, batch[:1])
        return found, batch[: cut[0]] if cut and cut[0] else batch

    async def _take(
        self, client: ImapClient, batch: Sequence[Fetched], given: Mapping[int, Fetched], cursor: Cursor
    ) -> Cursor:
        """Stores a batch, moves the cursor behind it, and settles it with the server."""
        found = {message.uid: given[message.uid] for message in batch if message.uid in given}
        mails: list[Incoming] = []
        skipped: list[Skipped] = []
        for message in batch:
            if message.uid in found:
                mail, why = self._mail(found[message.uid], message.size)
                mails += [mail] if mail else []
                skipped += [Skipped(message.uid, why)] if why else []
        skipped += await self._withheld(client, [message.uid for message in batch if message.uid not in found])
        await self._taking.mailroom.accept_all(mails)
        self._taking.fetched.labels("stored").inc(len(mails))
        for item in skipped:
            self._taking.fetched.labels("skipped").inc()
            self._log.warning(Log.MAILBOX_SKIPPED, uid=item.uid, reason=item.why)
        was_settled = cursor.settled_uid >= cursor.last_uid
        cursor = replace(cursor, last_uid=batch[-1].uid, skipped=(*cursor.skipped, *skipped))
        await self._ledger.save(cursor)
        # Behind one that could not be settled this one waits too: the next look settles all of them.
        return await self._settle(client, cursor, sorted(found)) if was_settled else cursor

    def _mail(self, message: Fetched, size: int | None) -> tuple[Incoming | None, str | None]:
        """A mail to store, and why it stays at its server as it is."""
        assert message.body is not None
        content, limit, refusal = message.body.content, self._taking.max_bytes, None
        if not content:
            return None, "it is empty"
        if message.body.size > limit or ((size or 0) > limit and message.body.size >= min(limit, _PART)):
            content = content[: min(limit, _PART)]
            refusal = f"larger than {limit} bytes: only its beginning is here"
        mail = Incoming(
            workspace_id=self._ledger.key.workspace_id,
            channel=self._ledger.key.channel,
            sender=None,
            recipients=(),
            content=content,
            refusal=refusal,
            named=named_in_mail(content) if refusal else (),
        )
        return mail, refusal

    async def _withheld(self, client: ImapClient, uids: Sequence[int]) -> list[Skipped]:
        """Those of the messages which the server did not give that are there all the same."""
        if not uids:
            return []
        still = {message.uid for message in await client.list_after(uids[0] - 1)}
        return [Skipped(uid, "the mail server does not give it") for uid in uids if uid in still]

    async def _settle_left(self, client: ImapClient, cursor: Cursor) -> Cursor:
        """What a crash or a refusal kept from being marked."""
        if cursor.settled_uid >= cursor.last_uid:
            return cursor
        left = await client.list_after(cursor.settled_uid)
        return await self._settle(client, cursor, [item.uid for item in left if item.uid <= cursor.last_uid])

    async def _settle(self, client: ImapClient, cursor: Cursor, uids: Sequence[int]) -> Cursor:
        """Does with messages at their server what is to be done once they are stored whole."""
        alone = {item.uid for item in cursor.skipped}
        own = [uid for uid in uids if uid not in alone]
        try:
            if own:
                await self._after(client, own)
        except Refused as error:
            self.trouble = f"after: {self._mailbox.after} does not work: {error}"
            return cursor
        return await self._ledger.save(replace(cursor, settled_uid=cursor.last_uid))

    async def _after(self, client: ImapClient, uids: Sequence[int]) -> None:
        match self._mailbox.after:
            case After.SEEN:
                await client.mark(uids, rb"\Seen")
            case After.MOVE:
                assert self._mailbox.move_to is not None
                await client.move(uids, self._mailbox.move_to)
            case After.DELETE:
                await client.delete(uids)
            case After.NOTHING:
                pass


def _may_have_more(folder: Folder, cursor: Cursor) -> bool:
    return folder.exists > 0 and (folder.uid_next is None or folder.uid_next > cursor.last_uid + 1)


def _batch(listed: Sequence[Fetched], at: int, limit: int) -> list[Fetched]:
    """The next messages in their order, so many at one time as fit into the memory."""
    batch: list[Fetched] = []
    room = BATCH_BYTES
    for message in islice(listed, at, at + _BATCH):
        size = _size(message, limit)
        if batch and size > room:
            break
        batch.append(message)
        room -= size
    return batch


def _size(message: Fetched, limit: int) -> int:
    """So much of a message is held, as far as its server has told."""
    return min(message.size or _PART, limit)


def _is_cut(message: Fetched | None) -> bool:
    return message is not None and message.body is not None and message.body.size > 0 == len(message.body.content)


def _with_size(message: Fetched, found: Mapping[int, Fetched]) -> Fetched:
    given = found.get(message.uid)
    size = given.body.size if given and given.body else 0
    return replace(message, size=max(message.size or 0, size)) if size else message
