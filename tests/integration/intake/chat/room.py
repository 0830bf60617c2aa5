"""A workspace that chats: visitors' pages on one side, the staff's tools on the other."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.eventually import eventually
from tests.integration.intake.notices import TEMPLATES
from tests.system import System

Json = dict[str, Any]

ORIGIN = "https://www.example.com"
KEY = "public-key-1"
SECRET = "a-secret-of-the-site-32-characters!"

_ids = count(1)


@dataclass
class Page:
    """One page of a visitor's, with its socket. It keeps what it was told, as the widget does."""

    socket: ClientConnection
    welcome: Json = field(default_factory=dict)
    said: list[Json] = field(default_factory=list)
    others: list[Json] = field(default_factory=list)

    async def tell(self, type_: str, **fields: object) -> None:
        await self.socket.send(json.dumps({"type": type_, **fields}, ensure_ascii=False))

    async def say(self, text: str, known: str | None = None) -> str:
        known = known or f"c-{next(_ids)}"
        await self.tell("message", client_message_id=known, text=text)
        return known

    async def read(self, within_s: float = 5) -> Json:
        """The next frame."""
        async with asyncio.timeout(within_s):
            frame: Json = json.loads(await self.socket.recv())
        if frame["type"] == "message":
            self.said.append(frame)
        else:
            self.others.append(frame)
        return frame

    async def until(self, type_: str, within_s: float = 5, **fields: object) -> Json:
        """The next frame of this type, like this."""
        async with asyncio.timeout(within_s):
            while True:
                frame = await self.read(within_s)
                if frame["type"] == type_ and fields.items() <= frame.items():
                    return frame

    async def until_said(self, *texts: str) -> None:
        """Everything that was said is this, each once, in this order."""
        async with asyncio.timeout(10):
            while len(self.said) < len(texts):
                await self.read(10)
        assert [frame["text"] for frame in self.said] == list(texts)
        assert [frame["seq"] for frame in self.said] == list(range(1, len(texts) + 1))

    async def closed(self, within_s: float = 8) -> int:
        """The code with which the other side ends it."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    await self.read(within_s)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0


@dataclass
class Room:
    """One workspace with a channel `web` for chats."""

    system: System
    workspace_id: str
    http: httpx.AsyncClient

    @classmethod
    async def open(cls, system: System, workspace_id: str, **chat: object) -> "Room":
        room = cls(system, workspace_id, await system.http("intake", workspace_id))
        await room.configure(None, **chat)
        return room

    @property
    def address(self) -> str:
        return f"{self.workspace_id}-web"

    async def configure(self, notices: Json | None = None, /, rules: object = (), **chat: object) -> None:
        web = {
            "id": "web",
            "kind": "chat",
            "name": "Acme",
            "address": self.address,
            "chat": {
                "public_key": KEY,
                "origins": [ORIGIN],
                "secrets": [SECRET],
                "greeting": "Hello!",
                "transcript": True,
                "mail_channel": "mail",
                "agent_names": {"grace": "Grace"},
                **chat,
            },
            **({"notices": notices} if notices else {}),
        }
        mail = {"id": "mail", "kind": "email", "address": f"help@{self.workspace_id}.example"}
        part = {
            "channels": [{"id": "api", "kind": "api"}, mail, web],
            "templates": TEMPLATES if notices else [],
            "rules": rules,
        }
        answer = await self.http.put("/v1/configuration", json=part, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text

    def url(self, system: System | None = None, address: str | None = None) -> str:
        base = (system or self.system).url("intake").replace("http", "ws", 1)
        return f"{base}/v1/chat/{address or self.address}"

    @asynccontextmanager
    async def connect(
        self,
        *,
        system: System | None = None,
        address: str | None = None,
        origin: str | None = ORIGIN,
        **options: Any,
    ) -> AsyncIterator[Page]:
        """A socket on which nothing was said yet."""
        url = self.url(system, address)
        async with connect(url, origin=origin, compression=None, proxy=None, close_timeout=1, **options) as socket:  # type: ignore[arg-type] # any origin
            yield Page(socket)

    @asynccontextmanager
    async def page(
        self, *, before: Page | None = None, system: System | None = None, **hello: Any
    ) -> AsyncIterator[Page]:
        """A page that was let in; it goes on where the one before it was."""
        options = {name: hello.pop(name) for name in ("sock", "max_queue", "max_size") if name in hello}
        async with self.connect(system=system, **options) as page:
            if before is not None:
                hello = {
                    "resume_token": before.welcome["resume_token"],
                    "last_seq": before.said[-1]["seq"] if before.said else 0,
                    **hello,
                }
                page.said = before.said
            await page.tell("hello", **{"public_key": KEY, **hello})
            page.welcome = await page.read()
            assert page.welcome["type"] == "welcome", page.welcome
            yield page

    def visitor_token(self, **claims: object) -> str:
        exp = int((datetime.now(UTC) + timedelta(minutes=5)).timestamp())
        return jwt.encode({"id": "u-1", "exp": exp, **claims}, SECRET, algorithm="HS256")

    async def tickets(self) -> list[Json]:
        return list((await self.http.get("/v1/tickets")).json()["items"])

    async def ticket(self) -> Json:
        """The only ticket there is."""
        (ticket,) = await eventually(self.tickets)
        return dict(ticket)

    async def reply(
        self, ticket_id: str, text: str, http: httpx.AsyncClient | None = None, **fields: object
    ) -> Json:
        body = {"text": text, "author_id": "grace", **fields}
        answer = await (http or self.http).post(f"/v1/tickets/{ticket_id}/replies", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["message"])

    async def texts(self, ticket_id: str) -> list[str]:
        """What a ticket's messages say, in order."""
        entries = (await self.http.get(f"/v1/tickets/{ticket_id}/timeline", params={"limit": 200})).json()["items"]
        return [entry["message"]["text"] for entry in entries if entry["message"]]

    async def events(self, ticket_id: str, type_: str) -> list[Json]:
        """What a ticket's timeline tells of this type."""
        entries = (await self.http.get(f"/v1/tickets/{ticket_id}/timeline", params={"limit": 200})).json()["items"]
        return [entry["event"] for entry in entries if entry["event"] and entry["event"]["type"] == type_]

    async def delivery(self, message_id: str) -> str:
        return str((await self.http.get(f"/v1/messages/{message_id}")).json()["delivery"]["state"])

    async def until_delivery(self, message_id: str, state: str) -> None:
        async def probe() -> bool:
            return await self.delivery(message_id) == state

        await eventually(probe, what=f"delivery {state}")

    async def until_state(self, ticket_id: str, state: str) -> Json:
        """The chat, once it is in this state."""

        async def probe() -> Json:
            chat = await self.chat(ticket_id)
            assert chat["state"] == state
            return chat

        return dict(await eventually(probe, within_s=20, every_s=0.1))

    async def chat(self, ticket_id: str) -> Json:
        answer = await self.http.get(f"/v1/tickets/{ticket_id}/chat")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())
