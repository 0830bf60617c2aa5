"""What vendors' errors mean, by the codes that their documents list."""

from datetime import timedelta

import pytest

from services.intake.domain.outgoing import Later, Never
from services.intake.domain.vendor_answers import (
    ACCOUNT_PAUSE,
    BUSY_PAUSE,
    known_code,
    known_id,
    meta_answer,
    meta_reason,
    slack_answer,
    standard_answer,
    twilio_answer,
    twilio_reason,
)
from services.intake.domain.whatsapp import OUTSIDE_WINDOW

WISH = timedelta(seconds=7)


@pytest.mark.parametrize("code", [21211, 21408, 21606, 21610, 21612, 21614, 21617, 63016, 21999])
def test_what_twilio_refuses_is_refused_for_good(code: int) -> None:
    answer = twilio_answer(400, code, None)
    assert isinstance(answer, Never)
    assert f"(Twilio: {code})" in answer.reason


@pytest.mark.parametrize("code", [4, 80007, 130429, 131048, 131056])
def test_meta_s_limits_hold_the_channel(code: int) -> None:
    assert meta_answer(400, code, WISH) == Later(
        reason=f"the provider is asked too often (WhatsApp: {code})", after=WISH, holds=True
    )


@pytest.mark.parametrize("code", [131026, 131047, 131051, 132001, 100])
def test_what_whatsapp_refuses_is_refused_for_good(code: int) -> None:
    assert isinstance(meta_answer(400, code, None), Never)


def test_outside_the_window_the_reason_is_the_rule() -> None:
    refusal = meta_answer(400, 131047, None)
    assert isinstance(refusal, Never)
    assert refusal.reason.startswith(OUTSIDE_WINDOW)


@pytest.mark.parametrize("error", ["channel_not_found", "is_archived", "msg_too_long", "some_error_of_tomorrow"])
def test_what_slack_refuses_is_refused_for_good(error: str) -> None:
    assert isinstance(slack_answer(200, error, None), Never)


@pytest.mark.parametrize("error", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
def test_slack_s_own_failures_pass(error: str) -> None:
    assert isinstance(slack_answer(200, error, None), Later)


@pytest.mark.parametrize(
    "answer",
    [
        twilio_answer(401, 20003, None),
        twilio_answer(404, 20404, None),
        twilio_answer(401, None, None),
        meta_answer(401, 190, None),
        meta_answer(403, 200, None),
        slack_answer(200, "token_revoked", None),
        slack_answer(200, "invalid_auth", None),
        slack_answer(200, "missing_scope", None),
    ],
)
def test_an_account_that_does_not_work_is_not_the_message_s_fault(answer: Later | Never) -> None:
    assert isinstance(answer, Later)
    assert (answer.after, answer.holds) == (ACCOUNT_PAUSE, True)


@pytest.mark.parametrize(
    "answer",
    [
        twilio_answer(429, 20429, None),
        twilio_answer(429, None, None),
        meta_answer(429, None, None),
        slack_answer(429, "ratelimited", None),
        slack_answer(429, None, None),
    ],
)
def test_too_many_requests_hold_the_channel_even_where_nobody_says_how_long(answer: Later | Never) -> None:
    assert isinstance(answer, Later)
    assert (answer.after, answer.holds) == (BUSY_PAUSE, True)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 408, 425])
def test_a_server_that_fails_is_asked_again(status: int) -> None:
    for answer in (twilio_answer(status, None, None), meta_answer(status, None, None)):
        assert isinstance(answer, Later)
    assert isinstance(slack_answer(status, None, WISH), Later)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422, 429, 500, 503])
def test_by_standard_webhooks_whatever_is_not_2xx_is_tried_again(status: int) -> None:
    answer = standard_answer(status, WISH)
    assert isinstance(answer, Later)
    assert answer.after == WISH
    assert answer.holds is (status in (429, 503))


def test_a_receiver_that_is_gone_is_believed() -> None:
    assert standard_answer(410, None) == Never(reason="the provider answered 410: it wants nothing more")


def test_receipts_have_reasons_too() -> None:
    assert twilio_reason(30003) == "the phone is switched off or unreachable (Twilio: 30003)"
    assert twilio_reason(30099) == "it was not delivered (Twilio: 30099)"
    assert meta_reason(131026).endswith("(WhatsApp: 131026)")
    assert twilio_reason(None) == "it was not delivered (Twilio gives no reason)"
    assert meta_reason(None) == "it was not delivered (WhatsApp gives no reason)"


@pytest.mark.parametrize("value", ["SM1", "wamid.HBgL+/==", "C042:1790000000.000100", "é", "x" * 200])
def test_what_can_be_kept_is_known(value: str) -> None:
    assert known_id(value) == value


@pytest.mark.parametrize("value", [None, 5, True, "", "a\x00b", "a\nb", "\ud800", "\u2028", "x" * 201, ["a"]])
def test_what_cannot_be_kept_is_not(value: object) -> None:
    assert known_id(value) is None


@pytest.mark.parametrize(
    ("value", "code"), [(0, 0), (21211, 21211), (True, None), (-1, None), (10**4000, None), ("1", None)]
)
def test_numbers_of_errors_are_short(value: object, code: int | None) -> None:
    assert known_code(value) == code
