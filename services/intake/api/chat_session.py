"""One visitor's connection, from the first frame to the last.

What is said is rows: the visitor is told everything behind the last number that they were told, again after
every hint and every few seconds. So a lost hint, a lost connection or a lost process loses nothing.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.adapters.watching import Passing, Watcher
from services.intake.api.chat_desk import ChatDesk, News
from services.intake.api.chat_door import Admission
from services.intake.api.chat_frames import (
    Ack,
    ChatSettings,
    End,
    Error,
    Hello,
    Message,
    Noted,
    Ping,
    Pong,
    Read,
    Received,
    Said,
    StaffRead,
    StaffTyping,
    Status,
    Transcript,
    Typing,
    Unacceptable,
    Welcome,
    Wish,
)
from services.intake.api.chat_wire import Close, Ended, Wire
from services.intake.app.chat_ports import ChatMessage, Standing, Wording
from services.intake.app.visitor_tokens import check_goes_on
from services.intake.domain.chat import ChatState, shown_status
from services.intake.domain.rates import Bucket
from shared.clock import monotonic
from shared.errors import DataRefused, DomainError, TransientError

PING_S = 25.0
"""How often we ask whether the visitor is there; who says nothing for twice as long and more is not."""

_SILENT_S = 60.0
_LOOK_S = 20.0
_AWAY_S = 1.0
_AT_ONCE = 50
_TYPING_S = 2.0
_RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class Origin:
    """From where a connection was opened, as its request says."""

    origin: str | None
    host: str | None


class Session:
    """A connection that was let in."""

    def __init__(self, desk: ChatDesk, wire: Wire, hello: Hello, origin: Origin, admitted: Admission) -> None:
        self._desk = desk
        self._wire = wire
        self._hello = hello
        self._origin = origin
        self._admitted = admitted
        chat = admitted.chat
        self._ticket_id: UUID | None = chat.ticket_id if chat else None
        self._begun = asyncio.Event()
        self._told = min(hello.last_seq, chat.last_seq) if chat else 0
        self._staff_read = chat.staff_read_seq if chat else 0
        self._status: Status | None = None
        self._frames = Bucket(most=60, per_s=10)
        self._messages = Bucket(most=20, per_s=1)
        self._typing_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Serves until one side ends it, which raises Ended within a group, or BadVisitorToken."""
        await self._wire.send(self._welcome())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._tell())
            group.create_task(self._ping())
            group.create_task(_until(stopping))

    def _welcome(self) -> Welcome:
        admitted, chat = self._admitted, self._admitted.chat
        return Welcome(
            conversation_id=str(admitted.key[1]),
            resume_token=admitted.resume_token,
            seq=chat.last_seq if chat else 0,
            open=chat is None or chat.state is ChatState.OPEN,
            read_up_to=self._staff_read,
            settings=ChatSettings(
                name=admitted.channel.name,
                greeting=admitted.offer.greeting,
                transcript=admitted.offer.offers_transcript,
                language=admitted.channel.language,
            ),
        )

    async def _listen(self) -> None:
        while True:
            frame = await self._wire.receive()
            if self._frames.take(monotonic()):
                raise Ended(Close.TOO_FAST)
            match frame:
                case Message():
                    await self._take(frame)
                case Received():
                    await self._mark(received=frame.up_to_seq, read=0)
                case Read():
                    await self._mark(received=frame.up_to_seq, read=frame.up_to_seq)
                case Typing():
                    await self._types(is_typing=frame.is_typing)
                case Transcript():
                    await self._ask(frame.email)
                case End():
                    await self._grant("end", self._desk.leave(self._admitted))
                case Ping():
                    await self._wire.send(Pong())
                case Pong():
                    pass
                case Unacceptable(known, about):
                    await self._wire.send(Error(code="refused", client_message_id=known, about=about))
                case Hello():
                    raise Ended(Close.MALFORMED)

    async def _take(self, frame: Message) -> None:
        known = frame.client_message_id
        if wait_s := self._messages.take(monotonic()):
            error = Error(code="rate_limited", client_message_id=known, retry_after_s=round(wait_s + 0.05, 2))
            await self._wire.send(error)
            return
        language = self._hello.language
        words = Wording(
            conversation=self._admitted.key,
            channel=self._admitted.channel.channel_id,
            visitor=self._admitted.visitor,
            client_message_id=known,
            text=frame.text,
            language=language.partition("-")[0].lower() if language else None,
            page=self._hello.page,
        )
        try:
            taken = await self._desk.take(words)
        except TransientError:
            # Whether it was stored nobody knows: the same id, sent again, finds out.
            await self._wire.send(Error(code="unavailable", client_message_id=known, retry_after_s=_RETRY_S))
            return
        except (DomainError, DataRefused):
            taken = None
        if taken is None:
            await self._wire.send(Error(code="refused", client_message_id=known))
        else:
            self._ticket_id = self._ticket_id or taken.ticket_id
            self._begun.set()
            await self._wire.send(Ack(client_message_id=known, seq=taken.seq, at=taken.at))

    async def _mark(self, *, received: int, read: int) -> None:
        try:
            await self._desk.mark(self._admitted, self._ticket_id, received=received, read=read)
        except TransientError:
            # The next mark says all of this as well.
            await self._wire.send(Error(code="unavailable", retry_after_s=_RETRY_S))

    async def _types(self, *, is_typing: bool) -> None:
        now = monotonic()
        if is_typing and now - self._typing_at < _TYPING_S:
            return
        self._typing_at = now if is_typing else 0.0
        await self._desk.types(self._admitted, self._ticket_id, is_typing=is_typing)

    async def _ask(self, email: str | None) -> None:
        if self._admitted.offer.offers_transcript:
            await self._grant("transcript", self._desk.ask_transcript(self._admitted, email))
        else:
            await self._wire.send(Error(code="refused", about="transcript"))

    async def _grant(self, wish: Wish, granting: Awaitable[bool]) -> None:
        """Says what has become of a wish; it is about a conversation, which there may not be."""
        try:
            has_chat = await granting
        except TransientError:
            await self._wire.send(Error(code="unavailable", about=wish, retry_after_s=_RETRY_S))
            return
        await self._wire.send(Noted(about=wish) if has_chat else Error(code="no_conversation", about=wish))

    async def _tell(self) -> None:
        """Tells what is new, in order, for as long as the connection lasts."""
        while True:
            if self._ticket_id is None:
                # Another page of the same visitor may have begun.
                if not await _within(self._begun, _LOOK_S):
                    await self._look()
                continue
            ticket_id = self._ticket_id
            with self._desk.watch((self._admitted.workspace_id, ticket_id)) as watcher:
                while ticket_id == self._ticket_id:
                    await self._tell_news(watcher)

    async def _tell_news(self, watcher: Watcher) -> None:
        has_more = await self._look()
        await self._tell_passing(watcher.passed())
        if has_more is None:
            await asyncio.sleep(_AWAY_S)
        elif not has_more:
            await watcher.has_news(_LOOK_S)

    async def _look(self) -> bool | None:
        """Tells what is new; whether there is more. None while the database is away."""
        try:
            news = await self._desk.news(self._admitted, self._told, _AT_ONCE)
        except TransientError:
            return None
        self._check(news)
        if news.standing is None:
            return False
        await self._tell_messages(news.messages)
        has_more = len(news.messages) == _AT_ONCE
        if not has_more:
            await self._tell_standing(news.standing)
        return has_more

    def _check(self, news: News) -> None:
        origin = self._origin
        if not self._desk.door.still_admits(news.channel, origin.origin, origin.host, self._hello):
            raise Ended(Close.REFUSED)
        if news.standing is not None:
            check_goes_on(news.standing.chat, self._admitted.visitor)

    async def _tell_messages(self, messages: Sequence[ChatMessage]) -> None:
        names, ours = self._admitted.offer.agent_names, self._admitted.channel.name
        for message in messages:
            is_own = message.author_kind == "visitor"
            said = Said(
                seq=message.seq,
                author_kind=message.author_kind,
                author_name=None if is_own else names.get(message.author_id or "", ours or ""),
                client_message_id=message.client_message_id,
                text=message.text,
                at=message.at,
            )
            await self._wire.send(said)
            self._told = message.seq

    async def _tell_standing(self, standing: Standing) -> None:
        chat = standing.chat
        self._ticket_id = standing.ticket_id
        if chat.staff_read_seq > self._staff_read:
            self._staff_read = chat.staff_read_seq
            await self._wire.send(StaffRead(up_to_seq=chat.staff_read_seq))
        has_agent = standing.has_agent or chat.replied_at is not None
        status = Status(status=shown_status(chat.state, standing.ticket_status, has_agent=has_agent).value)
        if status != self._status:
            self._status = status
            await self._wire.send(status)

    async def _tell_passing(self, passed: Sequence[Passing]) -> None:
        for passing in passed:
            if passing.kind == "typing" and passing.author_kind == "agent":
                await self._wire.send(StaffTyping(is_typing=bool(passing.is_typing)))

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            if monotonic() - self._wire.heard_at > _SILENT_S:
                raise Ended(Close.TOO_SLOW)
            await self._wire.send(Ping())


async def _until(stopping: asyncio.Event) -> None:
    await stopping.wait()
    raise Ended(Close.RESTART)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
