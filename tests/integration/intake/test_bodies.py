"""What is refused before anything is done, and how."""

import httpx
import pytest

from tests.integration.intake.office import Office, refused, slug_of

JSON = {"content-type": "application/json"}
GOOD = '"channel": "api", "from": {"email": "ada@example.org"}, "text": "x"'


async def post(office: Office, body: bytes | str, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else body.encode()
    return await office.http.post("/v1/messages", content=content, headers=headers or JSON)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xef\xbb\xbf{" + GOOD.encode() + b"}",
        ("{" + GOOD + "}").encode("utf-16"),
        b'{"text": "\xff"}',
        "{" + GOOD + ', "text": "again"}',
        "{" + GOOD + ', "x": NaN}',
        "{" + GOOD + ', "x": Infinity}',
        "{" + GOOD + ', "x": 1e400}',
        "{" + GOOD + ', "subject": "\\u0000"}',
        "{" + GOOD + ', "subject": "\\ud800"}',
        "{" + GOOD + ', "\\ud800": 1}',
        "{" + GOOD + ', "x": ' + "[" * 100 + "]" * 100 + "}",
        "{" + GOOD + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "{" + GOOD + "} trailing",
    ],
)
async def test_what_is_no_clean_json_is_malformed(office: Office, body: bytes | str) -> None:
    refused(await post(office, body), 400, "malformed-json")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '"text"',
        "{}",
        "{" + GOOD + ', "unknown": 1}',
        '{"channel": "api", "from": {}, "text": "x"}',
        '{"channel": "api", "from": {"email": null}, "text": "x"}',
        '{"channel": "api", "from": {"email": "nobody"}, "text": "x"}',
        '{"channel": "api", "from": {"phone": "call me"}, "text": "x"}',
        '{"channel": "API", "from": {"name": "Ada"}, "text": "x"}',
        '{"channel": "api", "from": {"name": "Ada"}, "text": 5}',
        "{" + GOOD + ', "priority": "hot"}',
        "{" + GOOD + ', "ticket_id": "12"}',
        "{" + GOOD + ', "sent_at": 5}',
        "{" + GOOD + ', "sent_at": "2026-01-01T00:00:00"}',
        "{" + GOOD + ', "sent_at": "2026-13-01T00:00:00Z"}',
        "{" + GOOD + ', "labels": {"Bad Key": "x"}}',
        "{" + GOOD + ', "labels": {"key": 1}}',
        "{" + GOOD + f', "subject": "{"x" * 1001}"' + "}",
        "{" + GOOD + ', "external_id": ""}',
    ],
)
async def test_what_does_not_fit_the_schema_is_invalid_and_is_not_repeated(office: Office, body: str) -> None:
    problem = refused(await post(office, body), 422, "invalid-request")
    assert problem["errors"]
    assert "ada@example.org" not in str(problem)


@pytest.mark.parametrize(
    "instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00", "2026-01-01t00:00:00z"]
)
async def test_any_date_that_can_be_written_is_taken(office: Office, instant: str) -> None:
    assert (await office.send(sent_at=instant))["disposition"] == "opened"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": ""},
        {"content-type": "application/json2"},
    ],
)
async def test_another_media_type_is_not_supported(office: Office, headers: dict[str, str]) -> None:
    refused(await post(office, "{" + GOOD + "}", **headers), 415, "unsupported-media-type")


async def test_a_media_type_with_parameters_is_the_same(office: Office) -> None:
    answer = await post(office, "{" + GOOD + "}", **{"content-type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 201


async def test_a_body_beyond_the_limit_is_too_large(office: Office) -> None:
    assert slug_of(await post(office, "{" + GOOD + f', "html": "{"x" * 1_100_000}"' + "}")) == "too-large"


async def chunks() -> object:
    yield b'{"text": "'
    for _ in range(20):
        yield b"x" * 100_000


async def test_a_body_without_a_length_is_counted_as_it_comes(office: Office) -> None:
    answer = await office.http.post("/v1/messages", content=chunks(), headers=JSON)  # type: ignore[arg-type] # an async iterator
    refused(answer, 413, "too-large")


@pytest.mark.parametrize("key", ["", "x" * 256, "käse", '"'])
async def test_an_idempotency_key_that_is_none_is_refused(office: Office, key: str) -> None:
    headers = [(b"idempotency-key", key.encode())]
    answer = await office.http.post("/v1/messages", json=office.message(), headers=headers)
    refused(answer, 422, "invalid-request")
