"""Who is let in to chat: from the right page, with the right key, and not too many at once."""

import hmac
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from services.intake.adapters import addresses
from services.intake.api.chat_frames import Hello
from services.intake.api.chat_wire import Close, Ended
from services.intake.app.chat_ports import Chats, ConversationKey
from services.intake.app.ports import Workspaces
from services.intake.app.visitor_tokens import anonymous, as_known, may_resume, verified
from services.intake.domain import chat_tokens
from services.intake.domain.chat import ChatOffer, Conversation, Visitor, accepts_origin
from services.intake.domain.chat_tokens import Resumption
from services.intake.domain.workspace import Channel
from shared.clock import Clock
from shared.db.unit_of_work import Database, Tx
from shared.http.types import SLUG_PATTERN
from shared.ids import IdFactory
from shared.vocabulary import ChannelKind

RESUMES_FOR = timedelta(days=30)
"""How long after they were last connected visitors can take up their conversation."""

_ADDRESS = re.compile(SLUG_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Who was let in, to which conversation, which begins with their first message.

    chat: the conversation as it stands, if it has begun
    """

    workspace_id: str
    channel: Channel
    offer: ChatOffer
    key: ConversationKey
    visitor: Visitor
    resume_token: str
    chat: Conversation | None


class Door:
    """Lets visitors in.

    is_open_to_own_page: whether a page that this process itself serves may have the widget, as the demo does
    """

    def __init__(
        self,
        database: Database,
        workspaces: Workspaces,
        chats: Chats,
        ids: IdFactory,
        clock: Clock,
        *,
        secret: bytes,
        most: int,
        most_a_workspace: int,
        is_open_to_own_page: bool,
    ) -> None:
        self._database = database
        self._workspaces = workspaces
        self._chats = chats
        self._ids = ids
        self._clock = clock
        self._secret = secret
        self._most = most
        self._most_a_workspace = most_a_workspace
        self._is_open_to_own_page = is_open_to_own_page
        self._count = 0
        self._by_workspace: Counter[str] = Counter()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """One connection more. Raises Ended where this process has enough of them."""
        if self._count >= self._most:
            raise Ended(Close.TRY_LATER)
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    @contextmanager
    def seated(self, workspace_id: str) -> Iterator[None]:
        """One of a workspace's connections. Raises Ended where it has its share."""
        if self._by_workspace[workspace_id] >= self._most_a_workspace:
            raise Ended(Close.TRY_LATER)
        self._by_workspace[workspace_id] += 1
        try:
            yield
        finally:
            self._by_workspace[workspace_id] -= 1
            if not self._by_workspace[workspace_id]:
                del self._by_workspace[workspace_id]

    @property
    def count(self) -> int:
        """How many connections there are."""
        return self._count

    async def admit(self, address: str, origin: str | None, host: str | None, hello: Hello) -> Admission:
        """Raises Ended, BadVisitorToken and TransientError."""
        # Which of these is wrong nobody is told.
        found = await addresses.find(self._database, address) if _ADDRESS.fullmatch(address) else None
        if found is None or found.kind is not ChannelKind.CHAT:
            raise Ended(Close.REFUSED)
        workspace_id = found.workspace_id
        now = self._clock.now()

        async def unit(tx: Tx) -> Admission:
            configured = (await self._workspaces.load(tx, [workspace_id]))[workspace_id]
            channel = configured.channels.get(found.channel)
            offer = self._offer(channel, origin, host, hello.public_key)
            if channel is None or offer is None:
                raise Ended(Close.REFUSED)
            said = verified(offer, hello.visitor_token) if hello.visitor_token is not None else None
            resumption = chat = None
            if hello.resume_token is not None:
                resumption = chat_tokens.read(
                    self._secret, workspace_id, found.channel, hello.resume_token, now=now.timestamp()
                )
            if resumption is not None:
                chat = await self._chats.find(tx, (workspace_id, resumption.conversation_id))
                if not may_resume(chat, said):
                    resumption = chat = None
            if resumption is None:
                resumption = Resumption(self._ids.new(), self._ids.new(), 0)
            key = workspace_id, resumption.conversation_id
            if chat is not None:
                await self._chats.see(tx, [key])
            until = int((now + RESUMES_FOR).timestamp())
            again = Resumption(resumption.conversation_id, resumption.visitor_id, until)
            return Admission(
                workspace_id=workspace_id,
                channel=channel,
                offer=offer,
                key=key,
                visitor=as_known(chat, said) if chat else said or anonymous(resumption.visitor_id),
                resume_token=chat_tokens.issue(self._secret, workspace_id, found.channel, again),
                chat=chat,
            )

        return await self._database.transact(unit, workspaces=[workspace_id])

    def still_admits(self, channel: Channel | None, origin: str | None, host: str | None, hello: Hello) -> bool:
        """Whether who was let in would be by the configuration as it is."""
        return self._offer(channel, origin, host, hello.public_key) is not None

    def _offer(
        self, channel: Channel | None, origin: str | None, host: str | None, public_key: str
    ) -> ChatOffer | None:
        offer = channel.chat if channel else None
        if offer is None or not hmac.compare_digest(offer.public_key.encode(), public_key.encode()):
            return None
        is_own = self._is_open_to_own_page and host is not None and origin == f"http://{host}"
        return offer if is_own or accepts_origin(offer, origin) else None
