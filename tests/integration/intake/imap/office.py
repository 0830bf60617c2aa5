"""A workspace whose mail channel looks into mailboxes."""

from typing import Any

from tests.eventually import eventually
from tests.integration.intake.imap.dovecot import PASSWORD, Dovecot
from tests.integration.intake.mail.post import Json, Post
from tests.integration.intake.mail.sink import Sink
from tests.system import System


class Office(Post):
    """Its accounts at the mail server are its own."""

    dovecot: Dovecot

    @classmethod
    async def open(  # type: ignore[override] # it is opened with a mail server
        cls, system: System, sink: Sink, workspace_id: str, dovecot: Dovecot
    ) -> "Office":
        office = cls(system, sink, workspace_id, await system.http("intake", workspace_id))
        office.dovecot = dovecot
        dovecot.add(office.user())
        return office

    def user(self, name: str = "support") -> str:
        return f"{name}-{self.workspace_id}"

    def mailbox(self, name: str = "support", **fields: Any) -> Json:
        """A mailbox as it is configured, with a password and without encryption."""
        made: Json = {
            "id": name,
            "host": "127.0.0.1",
            "port": self.dovecot.port,
            "security": "none",
            "user": self.user(name),
            "password": PASSWORD,
        }
        return {name: value for name, value in {**made, **fields}.items() if value is not None}

    async def watch(self, *mailboxes: Json) -> None:
        """Has the channel `support` look into these, and nothing else."""
        await self.configure(
            {"id": "support", "kind": "email", "address": self.support, "mailboxes": list(mailboxes)}
        )

    async def mailboxes(self) -> dict[str, Json]:
        answer = await self.http.get("/v1/mailboxes")
        assert answer.status_code == 200, answer.text
        return {item["id"]: item for item in answer.json()["items"]}

    async def until_mailbox(self, name: str = "support", *, within_s: float = 10, **fields: object) -> Json:
        """The mailbox, once it is like this."""

        async def probe() -> Json:
            mailbox = (await self.mailboxes())[name]
            assert {key: mailbox[key] for key in fields} == fields, mailbox
            return mailbox

        return dict(await eventually(probe, within_s=within_s))

    def numbered(self, number: int, body: str = "Please help.") -> bytes:
        return self.raw(body, Message_ID=f"<{number}@{self.workspace_id}>", Subject=f"Mail {number}")
