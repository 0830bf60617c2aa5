"""What the connections of one process share: the use-cases behind frames, and who is there."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from services.intake.adapters.watching import Passing, TicketWatch, Watcher
from services.intake.api.chat_door import Admission, Door
from services.intake.app.change_customer import ClientDesk
from services.intake.app.chat_ports import Aside, ChatMessage, ConversationKey, Marked, Standing, Wording
from services.intake.app.close_chat import ClosingDesk, close_chat
from services.intake.app.ports import Conversations, TicketKey
from services.intake.app.receive_chat import Taken, receive_chat
from services.intake.app.visitor_tokens import check_goes_on
from services.intake.domain.chat import ChatState
from services.intake.domain.workspace import Channel
from shared.db.unit_of_work import Database, Tx
from shared.db.workspaces import SeenWorkspaces
from shared.errors import TransientError
from shared.events.envelope import Cause
from shared.telemetry.tracing import continued

_SEE_S = 20.0


@dataclass(frozen=True, slots=True)
class News:
    """What a visitor has not been told yet, and the channel as it is configured."""

    channel: Channel | None
    standing: Standing | None
    messages: list[ChatMessage]


class ChatDesk:
    """Serves every connection of this process."""

    def __init__(
        self,
        database: Database,
        door: Door,
        desk: ClosingDesk,
        clients: ClientDesk,
        aside: Aside,
        conversations: Conversations,
        watch: TicketWatch,
        seen: SeenWorkspaces,
    ) -> None:
        self.door = door
        self._database = database
        self._chats = desk.chats
        self._desk = desk.desk
        self._closing = desk
        self._clients = clients
        self._aside = aside
        self._conversations = conversations
        self._watch = watch
        self._seen = seen
        self._present: Counter[ConversationKey] = Counter()

    @contextmanager
    def present(self, key: ConversationKey) -> Iterator[None]:
        """The visitor of this conversation is connected."""
        self._present[key] += 1
        try:
            yield
        finally:
            self._present[key] -= 1
            if not self._present[key]:
                del self._present[key]

    async def run(self, stopping: asyncio.Event) -> None:
        """Notes who is connected, again and again until `stopping`."""
        while not stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_SEE_S):
                    await stopping.wait()
            if self._present:
                await self._see(list(self._present))

    async def _see(self, keys: list[ConversationKey]) -> None:
        with suppress(TransientError):
            await self._database.transact(
                lambda tx: self._chats.see(tx, keys), workspaces={workspace_id for workspace_id, _ in keys}
            )

    async def take(self, words: Wording) -> Taken | None:
        """Takes a visitor's message; None where a rule does not let it in.

        Raises TransientError, BadVisitorToken, DomainError and DataRefused.
        """
        traceparent = continued(None)
        cause = Cause(traceparent=traceparent, correlation_id=traceparent.split("-")[1])
        workspace_id = words.conversation[0]

        async def unit(tx: Tx) -> Taken | None:
            await self._seen.remember(tx, {workspace_id})
            return await receive_chat(
                words,
                cause,
                tx=tx,
                conversations=self._conversations,
                workspaces=self._desk.workspaces,
                chats=self._chats,
                clients=self._clients,
                aside=self._aside,
                ids=self._desk.ids,
            )

        return await self._database.transact(unit, workspaces=[workspace_id])

    async def news(self, admitted: Admission, after: int, most: int) -> News:
        """What follows a number. Raises TransientError."""
        key = admitted.key

        async def unit(tx: Tx) -> News:
            configured = (await self._desk.workspaces.load(tx, [key[0]]))[key[0]]
            standing = await self._chats.standing(tx, key)
            messages = await self._chats.messages(tx, key, after, most) if standing else []
            return News(configured.channels.get(admitted.channel.channel_id), standing, messages)

        return await self._database.transact(unit, workspaces=[key[0]])

    async def mark(self, admitted: Admission, ticket_id: UUID | None, *, received: int, read: int) -> None:
        """Keeps what the visitor has, and tells those who watch the ticket what they have read.

        Raises TransientError and BadVisitorToken.
        """
        key = admitted.key

        async def unit(tx: Tx) -> Marked | None:
            check_goes_on(await self._chats.lock(tx, key), admitted.visitor)
            return await self._chats.mark(tx, key, received=received, read=read)

        marked = await self._database.transact(unit, workspaces=[key[0]])
        if marked is not None:
            passing = Passing(kind="read", author_kind="customer", message_id=str(marked.message_id))
            await self._watch.pass_on(self._database, (key[0], ticket_id or marked.ticket_id), passing)

    async def types(self, admitted: Admission, ticket_id: UUID | None, *, is_typing: bool) -> None:
        """Tells those who watch the ticket that its visitor types. It may be lost. Raises BadVisitorToken."""
        key = admitted.key
        try:
            chat = await self._database.transact(lambda tx: self._chats.find(tx, key), workspaces=[key[0]])
        except TransientError:
            return
        check_goes_on(chat, admitted.visitor)
        if chat is not None:
            passing = Passing(kind="typing", author_kind="customer", is_typing=is_typing)
            await self._watch.pass_on(self._database, (key[0], ticket_id or chat.ticket_id), passing)

    async def ask_transcript(self, admitted: Admission, email: str | None) -> bool:
        """Whether there is a conversation to send. Raises TransientError and BadVisitorToken."""
        key = admitted.key

        async def unit(tx: Tx) -> bool:
            check_goes_on(await self._chats.lock(tx, key), admitted.visitor)
            return await self._chats.ask_transcript(tx, key, email)

        return await self._database.transact(unit, workspaces=[key[0]])

    async def leave(self, admitted: Admission) -> bool:
        """Ends the conversation as its visitor wishes; whether there is one.

        Raises TransientError and BadVisitorToken.
        """
        key = admitted.key

        async def unit(tx: Tx) -> ChatState | None:
            return await close_chat(key, tx=tx, desk=self._closing, leaving=admitted.visitor)

        return await self._database.transact(unit, workspaces=[key[0]]) is not None

    def watch(self, ticket: TicketKey) -> AbstractContextManager[Watcher]:
        """Tells of news of a ticket."""
        return self._watch.watch(ticket)
