"""What is set aside, and whom it is about."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from services.intake.adapters.email.fresh import Fresh
from services.intake.adapters.email.parsers import Parsers
from services.intake.adapters.email.reading import Reading, set_aside
from services.intake.app.hook_ports import ReadHook
from services.intake.app.mail_ports import MAIL, ReadMail, Staged
from services.intake.domain.hook import Brought, Written
from services.intake.domain.message import Identity, IdentityKind, Sender
from shared.db.unit_of_work import Tx
from shared.errors import Unavailable
from tests.unit.intake.adapters.email.test_settling import raw
from tests.unit.intake.builders import a_message
from tests.unit.intake.mails import CUSTOMER, a_mail


class Away:
    """Bytes that cannot be had."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def stage(self, blobs: Mapping[tuple[str, bytes], bytes]) -> Staged:
        raise self._error

    async def read(self, workspace_id: str, sha256: bytes) -> bytes:
        raise self._error

    async def delete(self, tx: Tx, workspace_id: str, sha256s: Collection[bytes]) -> None:
        raise self._error


@pytest.mark.parametrize("form", [MAIL, "twilio-sms"])
@pytest.mark.parametrize("error", [Unavailable("the blob folder: Input/output error"), ValueError()])
async def test_what_is_given_up_waits_for_no_bytes(form: str, error: Exception) -> None:
    reading = Reading(1, Parsers(), Away(error), Fresh())
    item = await reading.unread(replace(raw(1), form=form), "reading it fails")
    assert item.named == ()
    assert (item.mail if isinstance(item, ReadMail) else item.brought) == "reading it fails"


def test_a_mail_that_was_read_keeps_whom_it_is_about() -> None:
    aside = set_aside(ReadMail(raw=raw(1), mail=a_mail()), "it cannot be stored")
    assert aside == ReadMail(raw=raw(1), mail="it cannot be stored", named=(CUSTOMER,))
    assert isinstance(aside, ReadMail)
    assert aside.people() == {CUSTOMER}


def test_a_call_that_was_read_keeps_whom_it_is_about() -> None:
    sender = Sender(identity=Identity(kind=IdentityKind.PHONE, value="+4930123456"))
    brought = Brought(messages=(Written(message=a_message(sender=sender)),))
    aside = set_aside(ReadHook(raw=raw(1), brought=(brought,), named=("Ada",)), "it cannot be stored")
    assert aside == ReadHook(raw=raw(1), brought="it cannot be stored", named=("Ada", "+4930123456"))
