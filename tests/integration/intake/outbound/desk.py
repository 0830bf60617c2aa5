"""A workspace whose customers write by text, WhatsApp, Slack and a channel of its own."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text

from services.intake.adapters.outbound.deliveries import PostgresDeliveries
from services.intake.app.record_receipts import record_receipts
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.message import DeliveryState
from shared.db.unit_of_work import Database, Tx
from tests.eventually import eventually
from tests.integration.intake.vendors import Vendors
from tests.system import System

Json = dict[str, Any]

PUBLIC_URL = "https://support.example.com"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Desk:
    """One workspace. Its account at Twilio is called like the workspace, so that requests can be told apart."""

    system: System
    vendors: Vendors
    workspace_id: str
    http: httpx.AsyncClient

    @classmethod
    async def open(cls, system: System, vendors: Vendors, workspace_id: str) -> "Desk":
        desk = cls(system, vendors, workspace_id, await system.http("intake", workspace_id))
        await desk.configure(*desk.channels())
        return desk

    def channels(self, **sms: object) -> list[Json]:
        name = self.workspace_id
        twilio = {
            "name": "twilio-sms",
            "account_sid": f"AC-{name}",
            "secrets": ["token-1", "token-2"],
            "number": "+15550100",
            "max_per_second": 100,
            **sms,
        }
        meta = {
            "name": "whatsapp",
            "phone_number_id": f"pn-{name}",
            "secrets": ["app-secret"],
            "access_token": "EAAG",
            "verify_token": "verify",
        }
        slack = {"name": "slack", "team_id": "T1", "secrets": ["signing"], "bot_token": "xoxb-1"}
        standard = {"name": "standard-webhook", "secrets": [SECRET], "url": f"{self.vendors.url}/hook/{name}"}
        return [
            {"id": "api", "kind": "api"},
            {"id": "texts", "kind": "sms", "address": f"{name}-texts", "providers": [twilio]},
            {"id": "whatsapp", "kind": "whatsapp", "address": f"{name}-whatsapp", "providers": [meta]},
            {"id": "wa-twilio", "kind": "whatsapp", "address": f"{name}-wa", "providers": [twilio]},
            {"id": "slack", "kind": "slack", "address": f"{name}-slack", "providers": [slack]},
            {"id": "other", "kind": "api", "address": f"{name}-other", "providers": [standard]},
        ]

    async def configure(self, *channels: Json) -> None:
        answer = await self.http.put(
            "/v1/configuration", json={"channels": list(channels)}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 200, answer.text

    async def ticket(self, channel: str, sender: Json | None = None, **fields: object) -> str:
        """A ticket that a customer opened by this channel."""
        body = {"channel": channel, "from": sender or {"phone": self.phone}, "text": "Help", **fields}
        answer = await self.http.post("/v1/messages", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket_id"])

    @property
    def phone(self) -> str:
        return "+4930123456"

    async def reply(self, ticket_id: str, text: str | None = None, **fields: object) -> Json:
        """A receipt. The text names the workspace, by which the vendor's answers are told apart."""
        answer = await self.try_reply(ticket_id, text or self.words, **fields)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def try_reply(self, ticket_id: str, text: str, **fields: object) -> httpx.Response:
        return await self.http.post(f"/v1/tickets/{ticket_id}/replies", json={"text": text, **fields})

    @property
    def words(self) -> str:
        return f"It-is-on-its-way-{self.workspace_id}."

    async def delivery(self, message_id: str) -> Json:
        answer = await self.http.get(f"/v1/messages/{message_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["delivery"])

    async def until(self, receipt: Json, state: str, *, within_s: float = 10) -> Json:
        """How far a reply has got, once it has got there."""

        async def probe() -> Json:
            delivery = await self.delivery(receipt["message"]["message_id"])
            assert delivery["state"] == state, delivery
            return delivery

        return dict(await eventually(probe, within_s=within_s))

    async def listed(self, **params: Any) -> list[Json]:
        answer = await self.http.get("/v1/deliveries", params=params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def retry(self, message_id: str, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.http.post(f"/v1/deliveries/{message_id}/retry", headers=headers)

    @property
    def database(self) -> Database:
        return self.system.services["intake"].runtime.database

    async def tell(
        self, channel: str, provider_id: str, *states: DeliveryState, reason: str | None = None
    ) -> None:
        """What a provider tells, each in a call of its own."""
        deliveries = self.system.services["intake"].app.state.outbound.deliveries
        assert isinstance(deliveries, PostgresDeliveries)
        for state in states:
            receipt = DeliveryReceipt(
                workspace_id=self.workspace_id,
                channel=channel,
                provider_id=provider_id,
                state=state,
                reason=reason,
            )

            async def unit(tx: Tx, receipt: DeliveryReceipt = receipt) -> None:
                await record_receipts([receipt], tx=tx, deliveries=deliveries)

            await self.database.transact(unit, workspaces=[self.workspace_id])

    async def provider_id(self, receipt: Json) -> str:
        """By what the provider knows a reply."""
        known = await self.kept_id(receipt)
        assert known is not None
        return known

    async def kept_id(self, receipt: Json) -> str | None:
        """The same, where it said."""
        asked = text("SELECT provider_id FROM delivery WHERE message_id = CAST(:id AS uuid)")

        async def unit(tx: Tx) -> str | None:
            found: str | None = (await tx.execute(asked, {"id": receipt["message"]["message_id"]})).scalar_one()
            return found

        return await self.database.transact(unit, workspaces=[self.workspace_id])

    async def keep_thread(self, ticket_id: str, thread_key: str) -> None:
        """As if the ticket's message had come in a thread: `POST /v1/messages` knows none."""
        kept = text("UPDATE message SET thread_key = :key WHERE ticket_id = CAST(:id AS uuid)")
        named = {"key": thread_key, "id": ticket_id}
        await self.database.transact(lambda tx: tx.execute(kept, named), workspaces=[self.workspace_id])
