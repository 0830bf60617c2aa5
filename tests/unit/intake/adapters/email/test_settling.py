"""What shares a commit."""

from uuid import UUID

from services.intake.adapters.email.settling import Ready, Settled, commits
from services.intake.app.hook_ports import ReadHook
from services.intake.app.mail_ports import Raw, ReadMail
from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.hook import Brought
from services.intake.domain.message import DeliveryState
from shared.db.engine import Collision, LockTimeout
from shared.errors import DatabaseUnavailable
from tests.unit.intake.builders import NOW


def raw(number: int) -> Raw:
    return Raw(
        workspace_id="acme",
        raw_id=UUID(int=number),
        channel="support",
        sender=None,
        recipients=(),
        sha256=b"",
        size=1,
        received_at=NOW,
        traceparent=None,
    )


def mail(number: int) -> Ready:
    return Ready(ReadMail(raw=raw(number), mail="unreadable"))


def hook(number: int, receipts: int) -> Ready:
    told = DeliveryReceipt(workspace_id="acme", channel="support", provider_id="x", state=DeliveryState.SENT)
    return Ready(ReadHook(raw=raw(number), brought=(Brought(receipts=(told,) * receipts),)))


def test_no_commit_has_too_much_to_do() -> None:
    ready = [mail(0), hook(1, 150), hook(2, 50), mail(3), hook(4, 1), hook(5, 900), hook(6, 1)]
    found = [[one.item.raw.raw_id.int for one in group] for group in commits(ready)]
    assert found == [[0, 3], [1, 2], [4], [5], [6]]


def test_plain_mails_share_large_commits() -> None:
    assert [len(group) for group in commits([mail(number) for number in range(500)])] == [200, 200, 100]


def test_a_lock_of_somebody_else_makes_no_mail_suspect() -> None:
    settled = Settled()
    for number, error in enumerate((DatabaseUnavailable(), LockTimeout(), Collision())):
        settled.refuse(mail(number).item, error)
    assert [refusal.is_suspect for refusal in settled.refused] == [True, False, False]


def test_two_refusals_in_a_row_are_enough() -> None:
    settled = Settled()
    settled.refuse(mail(0).item, LockTimeout())
    settled.work()
    settled.refuse(mail(1).item, LockTimeout())
    assert not settled.is_given_up
    settled.refuse(mail(2).item, LockTimeout())
    assert settled.is_given_up
