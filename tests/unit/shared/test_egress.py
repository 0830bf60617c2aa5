"""Addresses that may not be called, however they are written and whatever their name points to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.egress import Address, Egress, EgressRefused, Fetched, is_public
from shared.errors import ProviderUnavailable
from tests.serving import serving


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://example.org:8443/",
        "https://user:password@example.org/",
        "https://user@example.org/",
        "https://localhost/",
        "https://intranet/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://example.org:99999/",
        "https://[::1/",
        "https:///path",
        "https://example.org/\x01x",
        "https://example.org/\x7f",
        "https://example.org/a b",
        "https://example.org/a\tb",
        "https://example.org/\r\nHost: other.example",
        " https://example.org/",
        "https://example.org/?x=\x00",
        "https://example.org/\ud800",
        "https://[2606:4700::1111%eth0]/",
    ],
)
def test_a_form_that_hides_where_it_leads_is_refused(url: str) -> None:
    assert Egress(is_development=False).problem(url) is not None


@pytest.mark.parametrize("url", ["https://example.org/hook?x=1", "https://example.org:443/", "https://8.8.8.8/"])
def test_a_plain_public_address_is_fine(url: str) -> None:
    assert Egress(is_development=False).problem(url) is None


def test_only_development_may_talk_to_this_machine_over_http() -> None:
    for url in ("http://127.0.0.1:8080/", "http://localhost:8080/", "http://[::1]:8080/"):
        assert Egress(is_development=True).problem(url) is None
        assert Egress(is_development=False).problem(url) is not None
    assert Egress(is_development=True).problem("http://10.0.0.1/") is not None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "::10.0.0.1",
        "fec0::1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:0:a00:1::",
        "ff02::1",
    ],
)
async def test_a_name_that_points_into_a_network_that_is_not_public_is_not_called(address: str) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address(address)]

    assert not is_public(ip_address(address))
    with pytest.raises(EgressRefused):
        await Egress(is_development=False, resolve=resolve).post("https://example.org/", b"", {})


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address("8.8.8.8"), ip_address("10.0.0.1")]

    with pytest.raises(EgressRefused):
        await Egress(is_development=False, resolve=resolve).post("https://example.org/", b"", {})


async def test_a_name_is_resolved_anew_for_every_attempt() -> None:
    answers = ["10.0.0.1", "192.168.0.1", "127.0.0.1"]
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[Address]:
        asked.append(host)
        return [ip_address(answers[len(asked) - 1])]

    egress = Egress(is_development=False, resolve=resolve)
    for _ in answers:
        with pytest.raises(EgressRefused):
            await egress.post("https://flipping.example/", b"", {})
    assert asked == ["flipping.example"] * 3


@given(st.text(max_size=40).map(lambda rest: f"https://example.org/{rest}"))
def test_every_address_that_is_fine_can_be_asked(url: str) -> None:
    if Egress(is_development=False).problem(url) is None:
        httpx.Request("POST", url)


async def test_a_name_that_cannot_be_asked_for_is_nobody_who_answers() -> None:
    async def resolve(host: str, _port: int) -> Sequence[Address]:
        raise UnicodeError(host)

    with pytest.raises(ProviderUnavailable):
        await Egress(is_development=False, resolve=resolve).post("https://example.org/", b"", {})


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


Answer = str
"""What a server says: the lines behind the status, and the body."""


@asynccontextmanager
async def a_server(**answers: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """A web server on loopback that says at each path what it is told to; its address, and what it was asked."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        writer.write(("HTTP/1.1 " + answers[head.split()[1].strip("/")]).encode())
        await writer.drain()

    async with serving(serve) as port:
        yield f"http://127.0.0.1:{port}", asked


async def read(answer: Answer) -> Fetched:
    async with a_server(a=answer) as (url, _):
        return await Egress(is_development=True).get(f"{url}/a", {}, max_bytes=10)


async def test_what_is_there_is_read_with_what_it_is_known_by() -> None:
    headers = {"If-None-Match": '"1"'}
    text = '200 OK\r\nETag: "2"\r\nLast-Modified: then\r\nContent-Length: 5\r\n\r\nhello'
    async with a_server(a=text) as (url, asked):
        fetched = await Egress(is_development=True).get(f"{url}/a", headers, max_bytes=10)
    assert fetched == Fetched(status=200, content=b"hello", etag='"2"', last_modified="then")
    assert 'if-none-match: "1"' in asked[0].lower()
    assert (await read("304 Same\r\nContent-Length: 0\r\n\r\n")).status == 304


async def test_a_redirect_is_not_followed() -> None:
    async with a_server(b="200 OK\r\nContent-Length: 2\r\n\r\nhi") as (url, asked):
        moved = f"302 Found\r\nLocation: {url}/b\r\nContent-Length: 2\r\n\r\nno"
        assert await read(moved) == Fetched(status=302)
    assert asked == []


async def test_what_is_too_large_or_packed_is_not_read() -> None:
    for answer in (
        "200 OK\r\nContent-Length: 11\r\n\r\n" + "x" * 11,
        "200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx",
    ):
        with pytest.raises(EgressRefused, match="what is there"):
            await read(answer)


async def test_a_private_address_is_not_read_from() -> None:
    with pytest.raises(EgressRefused):
        await Egress(is_development=False).get("https://127.0.0.1/", {}, max_bytes=10)
