"""What cannot be had for the moment."""

from uuid import UUID

from services.intake.adapters.email.postponed import Postponed
from services.intake.app.mail_ports import Raw
from tests.unit.intake.builders import NOW


def raw(number: int, workspace_id: str = "acme") -> Raw:
    return Raw(
        workspace_id=workspace_id,
        raw_id=UUID(int=number),
        channel="support",
        sender=None,
        recipients=(),
        sha256=b"",
        size=1,
        received_at=NOW,
        traceparent=None,
    )


def test_pauses_grow_to_some_minutes() -> None:
    now = 0.0
    postponed = Postponed(lambda: now)
    pauses = []
    for failure in range(12):
        assert postponed.add(raw(1)).failures == failure + 1
        began = now
        while postponed.raws:
            now += 0.5
        pauses.append(now - began)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_what_something_became_of_begins_anew() -> None:
    postponed = Postponed(lambda: 0)
    postponed.add(raw(1))
    postponed.forget(raw(1).raw_id)
    assert postponed.raws == []
    assert postponed.add(raw(1)).failures == 1


def test_what_fails_again_is_refused_only_where_others_had_success_meanwhile() -> None:
    postponed = Postponed(lambda: 0)
    postponed.worked()
    assert [postponed.add(raw(1), is_suspect=True).refusals for _ in range(5)] == [0] * 5
    postponed.worked()
    assert [postponed.add(raw(1), is_suspect=True).refusals for _ in range(2)] == [1, 1]
    postponed.worked()
    assert postponed.add(raw(2), is_suspect=True).refusals == 0
    assert postponed.add(raw(1), is_suspect=True).refusals == 2


def test_what_others_are_to_blame_for_is_no_refusal() -> None:
    postponed = Postponed(lambda: 0)
    for _ in range(5):
        postponed.worked()
        assert postponed.add(raw(1)).refusals == 0


def test_where_much_of_a_workspace_cannot_be_had_its_others_wait_as_well() -> None:
    now = 0.0
    postponed = Postponed(lambda: now)
    for number in range(255):
        postponed.add(raw(number))
    postponed.add(raw(1000, "other"))
    assert postponed.workspaces == []
    postponed.add(raw(255))
    assert postponed.workspaces == ["acme"]
    now = 1.0
    assert postponed.workspaces == []
