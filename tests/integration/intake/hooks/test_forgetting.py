"""What nothing came of is forgotten after a while. What became of messages, or waits for a person, is not."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.intake.adapters.email import forgetting
from shared.db.unit_of_work import Tx
from tests.eventually import eventually
from tests.integration.intake.hooks.vendors import Vendors
from tests.integration.intake.mail.post import mail_of
from tests.unit.intake.adapters.hooks import documented

FORMS = text("SELECT form FROM raw WHERE workspace_id = :workspace_id AND state <> 'received' ORDER BY form")
TOKENS = text("SELECT token FROM used_token WHERE workspace_id = :workspace_id")
REFUSALS = text("SELECT disposition FROM refusal WHERE workspace_id = :workspace_id ORDER BY disposition")
RECEIPT = {"id": "wamid.1", "status": "delivered", "timestamp": "1749416383", "recipient_id": "16505551234"}


async def test_what_nothing_came_of_is_forgotten_after_a_month_and_tokens_sooner(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "PORTION", 1)
    database = vendors.system.services["intake"].runtime.database
    forget = mail_of(vendors.system).forgetting.forget

    async def found() -> tuple[list[str], int, list[str]]:
        async def unit(tx: Tx) -> tuple[list[str], int, list[str]]:
            named = {"workspace_id": vendors.workspace_id}
            forms = [row.form for row in await tx.execute(FORMS, named)]
            refused = [row.disposition for row in await tx.execute(REFUSALS, named)]
            return forms, len((await tx.execute(TOKENS, named)).all()), refused

        return await database.transact(unit, workspaces=[vendors.workspace_id])

    async def after(days: int) -> tuple[list[str], int, list[str]]:
        async def later(tx: Tx) -> bool:
            tx.clock_shift += timedelta(days=days)
            return await forget(tx)

        while await database.transact(later, workspaces=[vendors.workspace_id]):
            pass
        return await found()

    fates = {"pills": "drop", "bitcoin": "quarantine"}
    rules = [
        {"name": word, "when": f'message.text.contains("{word}")', "fate": fate} for word, fate in fates.items()
    ]
    await vendors.configure_more(rules=rules)
    for number, said in enumerate((*fates, "Help")):
        await vendors.bring(vendors.twilio(vendors.a_text(Body=said, From=f"+1415523888{number}")))
    await vendors.bring(vendors.mailgun(documented.mailgun(vendors.mail)))
    await vendors.bring(vendors.meta(json.dumps(documented.whatsapp(statuses=[RECEIPT])).encode()))
    await vendors.bring(vendors.meta(json.dumps(documented.whatsapp(statuses=[RECEIPT, RECEIPT])).encode()))
    await vendors.bring(vendors.meta(b"{}"))
    everything = ["mailgun", *["twilio-sms"] * 3, *["whatsapp"] * 3]
    refused = ["dropped", "quarantined"]

    async def settled() -> bool:
        return await found() == (everything, 1, refused)

    await eventually(settled)
    assert await after(4) == (everything, 1, refused)
    assert await after(6) == (everything, 0, refused)
    assert await after(31) == (["mailgun", *["twilio-sms"] * 2, "whatsapp"], 0, ["quarantined"])
    assert len(await vendors.quarantine()) == 2
