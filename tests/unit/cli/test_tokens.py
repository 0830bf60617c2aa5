import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from deploy.cli.errors import CliError
from deploy.cli.keys import ensure_keys, signing_key
from deploy.cli.tokens import AUDIENCE, ISSUER, mint, read


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    ensure_keys(tmp_path / "keys")
    return tmp_path / "keys"


def verified(token: str, keys: Path) -> dict[str, object]:
    """The claims, as a service that has the key's public half reads them."""
    (public,) = json.loads((keys / "jwks.json").read_text())["keys"]
    assert jwt.get_unverified_header(token)["kid"] == public["kid"]
    return dict(
        jwt.decode(token, jwt.PyJWK.from_dict(public), algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER)
    )


def test_a_token_says_who_where_and_what(keys: Path) -> None:
    scopes = ("tickets:read", "agents:self")
    claims = verified(mint(signing_key(keys), workspace_id="acme", subject="ann", scopes=scopes), keys)
    assert (claims["workspace"], claims["sub"], claims["scope"]) == ("acme", "ann", "tickets:read agents:self")


def test_only_a_token_for_more_than_a_day_has_an_id_to_revoke_it_by(keys: Path) -> None:
    key = signing_key(keys)
    short = mint(key, workspace_id="acme", subject="ann", scopes=("admin",))
    long = mint(key, workspace_id="acme", subject="ann", scopes=("admin",), lifetime=timedelta(days=30))
    assert "jti" not in verified(short, keys)
    claims = read(long)
    assert claims.jti == verified(long, keys)["jti"]
    assert claims.expires_at is not None
    assert timedelta(days=29) < claims.expires_at - datetime.now(UTC) <= timedelta(days=30)


def test_a_scope_that_no_service_knows_is_refused(keys: Path) -> None:
    with pytest.raises(CliError, match="There is no scope tickets:eat"):
        mint(signing_key(keys), workspace_id="acme", subject="ann", scopes=("tickets:read", "tickets:eat"))


@pytest.mark.parametrize("text", ["", "abc", "a.b.c", "ey.ey.ey"])
def test_what_is_no_token_is_not_read_as_one(text: str) -> None:
    with pytest.raises(CliError, match="not a token"):
        read(text)


def test_the_private_key_is_its_owners_alone_and_the_public_half_holds_no_secret(keys: Path) -> None:
    assert stat.S_IMODE((keys / "private.jwk.json").stat().st_mode) == 0o600
    (public,) = json.loads((keys / "jwks.json").read_text())["keys"]
    assert "d" not in public


def test_the_key_stays_the_same_at_later_starts(keys: Path) -> None:
    before = signing_key(keys).key_id
    ensure_keys(keys)
    assert signing_key(keys).key_id == before


def test_without_an_installation_the_missing_key_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="make run"):
        signing_key(tmp_path)
    (tmp_path / "private.jwk.json").write_text("{}")
    with pytest.raises(CliError, match="cannot be read"):
        signing_key(tmp_path)
