import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vault import AesVault

VAULT = AesVault(b"k" * 32)


@given(st.text(max_size=200).filter(lambda text: not text.startswith("sealed:")))
def test_what_is_sealed_opens_again_and_looks_the_same_each_time(secret: str) -> None:
    sealed = VAULT.seal("acme", secret)
    assert VAULT.open("acme", sealed) == secret
    assert VAULT.seal("acme", secret) == VAULT.seal("acme", sealed) == sealed
    assert len(secret) < 4 or secret not in sealed


def test_another_workspace_or_key_opens_nothing() -> None:
    sealed = VAULT.seal("acme", "hunter2")
    for vault, workspace in ((VAULT, "rival"), (AesVault(b"o" * 32), "acme")):
        with pytest.raises(ValueError, match="another"):
            vault.open(workspace, sealed)
        with pytest.raises(ValueError, match="another"):
            vault.seal(workspace, sealed)


@given(st.text(max_size=80))
def test_nothing_made_up_opens(text: str) -> None:
    with pytest.raises(ValueError, match="another"):
        VAULT.open("acme", f"sealed:{text}")
