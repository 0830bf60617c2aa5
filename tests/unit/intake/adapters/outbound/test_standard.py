"""What answers by Standard Webhooks are signed with."""

from standardwebhooks import Webhook

from services.intake.adapters.outbound.standard import signed
from services.intake.domain.provider import hmac_key
from shared.clock import SystemClock


def test_a_receiver_that_knows_the_secret_verifies_it_with_or_without_padding() -> None:
    for secret in ("whsec_c2VjcmV0cw==", "whsec_c2VjcmV0cw"):
        key = hmac_key(secret)
        assert key is not None
        headers = signed(key, "m-1", b'{"a":1}', SystemClock().now())
        assert Webhook("whsec_c2VjcmV0cw==").verify(b'{"a":1}', headers) == {"a": 1}
