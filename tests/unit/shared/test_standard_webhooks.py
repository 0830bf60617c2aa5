"""What Standard Webhooks are signed with."""

import pytest
from standardwebhooks import Webhook

from shared.clock import SystemClock
from shared.standard_webhooks import hmac_key, signed


def test_a_receiver_that_knows_the_secret_verifies_it_with_or_without_padding() -> None:
    for secret in ("whsec_c2VjcmV0cw==", "whsec_c2VjcmV0cw"):
        key = hmac_key(secret)
        assert key is not None
        headers = signed(key, "m-1", b'{"a":1}', SystemClock().now())
        assert Webhook("whsec_c2VjcmV0cw==").verify(b'{"a":1}', headers) == {"a": 1}


@pytest.mark.parametrize("secret", ["whsec_c2VjcmV0cw==", "whsec_c2VjcmV0cw", "c2VjcmV0cw=="])
def test_a_key_may_stand_without_padding_or_prefix(secret: str) -> None:
    assert hmac_key(secret) == b"secrets"


@pytest.mark.parametrize("secret", ["whsec_no key", "whsec_", "whpk_c2VjcmV0cw==", "whsk_c2VjcmV0cw==", "whsec_ä"])
def test_with_anything_else_nobody_can_sign(secret: str) -> None:
    assert hmac_key(secret) is None
