"""Bearer tokens: whose they are, and what is not one."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.keys import KEY, token
from tests.unit.shared.http.application import Revoked, client


@pytest.fixture
def revoked() -> Revoked:
    return Revoked()


@pytest.fixture
async def http(tmp_path: Path, revoked: Revoked) -> AsyncIterator[httpx.AsyncClient]:
    async with client(tmp_path, revoked) as made:
        yield made


async def status(http: httpx.AsyncClient, bearer: str) -> int:
    return (await http.get("/v1/me", headers={"Authorization": f"Bearer {bearer}"})).status_code


def signed(claims: dict[str, object], *, key: object = KEY, algorithm: str = "EdDSA", **header: object) -> str:
    """A token with these claims in place of the usual ones; None removes one."""
    usual: dict[str, object] = {
        "iss": "waypost",
        "aud": "waypost",
        "sub": "tests",
        "workspace": "acme",
        "scope": "admin",
        "exp": datetime.now(UTC) + timedelta(minutes=5),
    }
    payload = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": "tests", **header})  # type: ignore[arg-type] # hostile keys


async def test_a_good_token_names_workspace_and_subject(http: httpx.AsyncClient) -> None:
    bearer = token("acme", "tickets:read", subject="ann")
    answer = await http.get("/v1/me", headers={"Authorization": f"Bearer {bearer}"})
    assert answer.json() == {"workspace": "acme", "subject": "ann"}


async def test_a_token_without_the_scope_is_forbidden_and_admin_has_them_all(http: httpx.AsyncClient) -> None:
    assert await status(http, token("acme", "metrics:read")) == 403
    assert await status(http, token("acme", "admin")) == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": datetime.now(UTC) - timedelta(seconds=1)},
        {"exp": None},
        {"nbf": datetime.now(UTC) + timedelta(hours=1)},
        {"iss": "someone"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
        {"sub": "a\u0000b"},
        {"workspace": None},
        {"workspace": "Not A Slug"},
        {"workspace": "a,b"},
        {"workspace": ["acme"]},
        {"scope": ["admin"]},
        {"jti": 7},
    ],
)
async def test_claims_that_do_not_hold_are_refused(http: httpx.AsyncClient, claims: dict[str, object]) -> None:
    assert await status(http, signed(claims)) == 401


async def test_forgeries_are_refused(http: httpx.AsyncClient) -> None:
    public = KEY.public_key().public_bytes_raw()
    jwk = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key()))
    forged = [
        signed({}, key=Ed25519PrivateKey.generate()),
        signed({}, key=public.hex(), algorithm="HS256"),
        signed({}, key=None, algorithm="none"),
        signed({}, kid="other"),
        signed({}, kid="../../etc/passwd"),
        signed({}, key=Ed25519PrivateKey.generate(), jwk=jwk),
        signed({})[:-4] + "AAAA",
        "not.a.token",
        "x" * 9000,
    ]
    assert [await status(http, bearer) for bearer in forged] == [401] * len(forged)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "bearer"])
async def test_no_token_is_not_authenticated(http: httpx.AsyncClient, header: str | None) -> None:
    answer = await http.get("/v1/me", headers={"Authorization": header} if header is not None else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_revoked_token_stops_being_good_although_it_was_verified_before(
    http: httpx.AsyncClient, revoked: Revoked
) -> None:
    bearer = token("acme", "admin", jti="long-lived")
    assert await status(http, bearer) == 200
    revoked.jtis.add("long-lived")
    assert await status(http, bearer) == 401
