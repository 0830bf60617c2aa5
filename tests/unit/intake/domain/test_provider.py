"""Keys of Standard Webhooks."""

import pytest

from services.intake.domain.provider import hmac_key


@pytest.mark.parametrize("secret", ["whsec_c2VjcmV0cw==", "whsec_c2VjcmV0cw", "c2VjcmV0cw=="])
def test_a_key_may_stand_without_padding_or_prefix(secret: str) -> None:
    assert hmac_key(secret) == b"secrets"


@pytest.mark.parametrize("secret", ["whsec_no key", "whsec_", "whpk_c2VjcmV0cw==", "whsk_c2VjcmV0cw==", "whsec_ä"])
def test_with_anything_else_nobody_can_sign(secret: str) -> None:
    assert hmac_key(secret) is None
