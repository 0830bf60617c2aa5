"""Bodies are read strictly, and every refusal is a problem that does not echo what came."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.shared.http.application import client

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xef\xbb\xbf{}",
        '{"name": "ä"}'.encode("utf-16"),
        '{"name": "ä"}'.encode("latin-1"),
        b'{"name": "a", "name": "b"}',
        b'{"name": "a", "more": {"n": NaN}}',
        b'{"name": "a", "more": {"n": Infinity}}',
        b'{"name": "a", "more": {"n": 1e400}}',
        b'{"name": "a\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"name": "a", "\\ud800": 1}',
        b'{"name": "a", "more": ' + b'{"a":' * 70 + b"1" + b"}" * 71,
        b"[" * 100_000,
    ],
)
async def test_what_a_lenient_parser_guesses_at_is_malformed(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/v1/things", content=body, headers=JSON)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if body:
        assert answer.status_code == 400


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_only_json_is_taken_as_json(http: httpx.AsyncClient, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await http.post("/v1/things", content=b'{"name": "a"}', headers=headers)
    assert answer.status_code == 415


async def test_a_body_past_the_limit_is_too_large(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/things", content=b'{"name": "' + b"a" * 1_100_000 + b'"}', headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_does_not_fit_names_each_place_and_no_value(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/things", json={"size": "canary", "unknown": "canary"})
    assert answer.status_code == 422
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/name", "/size", "/unknown"}
    assert "canary" not in answer.text


@pytest.mark.parametrize("path", ["/v1/things/%00", "/v1/things/a?text=%00", "/v1/things/" + "a" * 100])
async def test_paths_and_queries_are_clean_text(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 422


@pytest.mark.parametrize(
    ("kind", "status", "slug"),
    [
        ("not-found", 404, "not-found"),
        ("conflict", 409, "conflict"),
        ("illegal", 409, "illegal-transition"),
        ("invalid", 422, "invalid-input"),
        ("data", 422, "invalid-request"),
        ("unavailable", 503, "unavailable"),
        ("stale", 503, "unavailable"),
        ("defect", 500, "internal-error"),
    ],
)
async def test_every_error_is_a_problem(http: httpx.AsyncClient, kind: str, status: int, slug: str) -> None:
    answer = await http.get(f"/v1/errors/{kind}")
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["type"].endswith(f"/{slug}")
    assert "secret" not in answer.text
    assert ("retry-after" in answer.headers) is (status == 503)


async def test_unknown_paths_and_methods_are_problems_too(
    http: httpx.AsyncClient,
) -> None:
    answers = [await http.get("/v1/nothing"), await http.get("/v1/things/a/"), await http.delete("/v1/things")]
    assert [answer.status_code for answer in answers] == [404, 404, 405]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


@pytest.mark.parametrize(
    ("header", "status"), [(None, 428), ('"3"', 200), ('"2", "3"', 200), ("*", 200), ('"4"', 412), ("junk", 412)]
)
async def test_if_match_names_the_version_that_was_seen(
    http: httpx.AsyncClient, header: str | None, status: int
) -> None:
    headers = {"If-Match": header} if header else {}
    assert (await http.put("/v1/things/a", headers=headers)).status_code == status


async def test_the_callers_trace_goes_on_and_a_bad_one_is_replaced(http: httpx.AsyncClient) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    goes_on = await http.get("/health/live", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    replaced = await http.get("/health/live", headers={"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"})
    assert goes_on.headers["traceparent"].split("-")[1] == trace
    assert goes_on.headers["traceparent"].split("-")[2] != "b7ad6b7169203331"
    assert len(replaced.headers["traceparent"]) == 55
    assert replaced.headers["traceparent"].split("-")[1] != "0" * 32
