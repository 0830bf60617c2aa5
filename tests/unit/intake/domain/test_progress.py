"""Receipts in any order, any number of times: the same end."""

from datetime import timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.delivery import DeliveryReceipt
from services.intake.domain.message import DeliveryState
from services.intake.domain.progress import Progress, told_by
from tests.unit.intake.builders import NOW

S = DeliveryState
SENT = Progress(state=S.SENT, sent_at=NOW)


def a_receipt(state: DeliveryState, minutes: int | None = None, reason: str | None = None) -> DeliveryReceipt:
    at = None if minutes is None else NOW + timedelta(minutes=minutes)
    return DeliveryReceipt(
        workspace_id="acme", channel="texts", provider_id="SM1", state=state, reason=reason, at=at
    )


def after(*receipts: DeliveryReceipt, begin: Progress = SENT) -> Progress:
    now = NOW + timedelta(days=1)
    return reduce(Progress.joined, (told_by(receipt, now) for receipt in receipts), begin)


RECEIPTS = st.lists(
    st.builds(
        a_receipt,
        st.sampled_from([S.SENT, S.DELIVERED, S.READ, S.BOUNCED, S.FAILED]),
        st.one_of(st.none(), st.integers(0, 3)),
        st.sampled_from([None, "unknown", "blocked"]),
    ),
    max_size=8,
)


@given(RECEIPTS.flatmap(lambda told: st.tuples(st.just(told), st.permutations([*told, *told[:3]]))))
def test_any_order_with_any_repeats_ends_in_the_same_state(
    drawn: tuple[list[DeliveryReceipt], list[DeliveryReceipt]],
) -> None:
    told, shuffled = drawn
    assert after(*shuffled) == after(*told)


@given(RECEIPTS, RECEIPTS)
def test_what_is_kept_apart_and_joined_later_is_not_lost(
    early: list[DeliveryReceipt], late: list[DeliveryReceipt]
) -> None:
    kept = [told_by(receipt, NOW + timedelta(days=1)) for receipt in early]
    if kept:
        assert after(*late, begin=SENT.joined(reduce(Progress.joined, kept))) == after(*early, *late)


def test_the_state_only_rises() -> None:
    assert after(a_receipt(S.READ, 3), a_receipt(S.DELIVERED, 2), a_receipt(S.SENT, 1)) == Progress(
        state=S.READ,
        sent_at=NOW,
        delivered_at=NOW + timedelta(minutes=2),
        read_at=NOW + timedelta(minutes=3),
    )


def test_what_failed_stays_failed_unless_it_arrived() -> None:
    failed = after(a_receipt(S.FAILED, 1, "blocked"), a_receipt(S.SENT, 2))
    assert (failed.state, failed.reason, failed.failed_at) == (S.FAILED, "blocked", NOW + timedelta(minutes=1))
    arrived = after(a_receipt(S.FAILED, 1, "blocked"), a_receipt(S.DELIVERED, 2))
    assert (arrived.state, arrived.reason) == (S.DELIVERED, None)


def test_nobody_tells_what_is_still_to_come() -> None:
    assert told_by(a_receipt(S.READ, 60), NOW).read_at == NOW
