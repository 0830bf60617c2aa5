"""Addresses that may not be gone to, however they are written and whatever their name points to."""

from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address, ip_network
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.adapters.outside import Outside, literal_in
from shared.egress import Address, EgressRefused, is_public
from shared.errors import ProviderUnavailable

PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1"),
    *(
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.254",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
    ),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "2001:db8::1", "fc00::1"),
    *("fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1"),
]


def resolving(*addresses: str) -> Outside:
    async def resolve(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address(address) for address in addresses]

    return Outside(resolve=resolve)


@pytest.mark.parametrize("address", PRIVATE)
async def test_an_address_that_is_not_public_is_refused_as_itself_and_behind_a_name(address: str) -> None:
    with pytest.raises(EgressRefused):
        await resolving(address).address("files.example.org", 443)
    with pytest.raises(EgressRefused):
        await Outside().address(address, 443)
    with pytest.raises(EgressRefused):
        await resolving("8.8.8.8", address).address("files.example.org", 443)


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "127.0.0.01"),
        *(
            "127.0.0.0x1",
            "0",
            "localhost",
            "intranet",
            "127.0.0.1.",
            "[::1%25eth0]",
            "[::1%eth0]",
            "[fe80::1%251]",
        ),
        *("①②⑦.⓪.⓪.①", "127。0。0。1", "exámple.org", "example.org%00.evil", "exa mple.org", "exa\tmple.org", ""),
        *("-example.org", "example..org", "example.org.", "example_.org", "[v1.x]", "[::1", "a" * 64 + ".org"),
    ],
)
def test_a_host_that_hides_what_it_is_is_refused(host: str) -> None:
    with pytest.raises(EgressRefused):
        Outside().target(f"https://{host}/x")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://example.org/",
            "ftp://example.org/",
            "file:///etc/passwd",
            "gopher://example.org/",
            "//example.org/",
        ),
        *(
            "https://example.org:8443/",
            "https://example.org:80/",
            "https://example.org:0x1bb/",
            "https:/example.org",
        ),
        *("https://user@example.org/", "https://user:word@example.org/", "https://8.8.8.8@example.org/"),
        *(
            "https://example.org\\@127.0.0.1/",
            "https://example.org/\r\nHost: x",
            "https://example.org/\0",
            "",
            "x" * 5000,
        ),
        "javascript:alert(1)",
    ],
)
def test_a_form_that_is_not_plain_https_is_refused(url: str) -> None:
    with pytest.raises(EgressRefused):
        Outside().target(url)


@pytest.mark.parametrize("url", ["https://example.org/a?b=c#d", "https://example.org:443/", "https://8.8.8.8/"])
def test_plain_https_is_fine(url: str) -> None:
    assert Outside().target(url).port == 443


def is_excepted(outside: Outside, url: str) -> bool:
    """An address is judged by how it is written; where it leads, when its name is known."""
    try:
        return outside.target(url).is_allowed
    except EgressRefused:
        return False


def test_only_what_is_excepted_by_host_and_port_is_excepted() -> None:
    outside = Outside(["127.0.0.1:8080", "Minio.internal:9000"])
    assert outside.target("http://127.0.0.1:8080/x").is_allowed
    assert outside.target("http://minio.internal:9000/x").is_allowed
    for url in ("http://127.0.0.1:8081/", "https://127.0.0.1/", "http://127.0.0.1:80/", "ftp://127.0.0.1:8080/"):
        assert not is_excepted(outside, url)


async def test_what_is_excepted_may_be_private_and_nothing_else() -> None:
    outside = Outside(["127.0.0.1:8080"])
    assert await outside.address("127.0.0.1", 8080) == ip_address("127.0.0.1")
    with pytest.raises(EgressRefused):
        await outside.address("127.0.0.1", 443)


async def test_a_name_without_an_address_may_have_one_later() -> None:
    async def fails(_host: str, _port: int) -> Sequence[Address]:
        raise OSError("no such name")

    for outside in (Outside(resolve=fails), resolving()):
        with pytest.raises(ProviderUnavailable):
            await outside.address("files.example.org", 443)


NOT_PUBLIC = [
    ip_network(net)
    for net in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12")
] + [ip_network(net) for net in ("192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3")]


def notations(address: IPv4Address) -> list[str]:
    """The ways in which resolvers and browsers let an IPv4 address be written."""
    a, b, c, d = address.packed
    number = int(address)
    return [
        *(
            str(address),
            str(number),
            hex(number),
            f"0{number:o}",
            f"{a}.{number & 0xFFFFFF}",
            f"{a}.{b}.{c << 8 | d}",
        ),
        *(f"{a:#x}.{b:#x}.{c:#x}.{d:#x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"0{a}.{b}.{c}.{d}"),
        *(f"[::ffff:{address}]", f"[::{address}]", f"[64:ff9b::{address}]"),
        *(f"[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]", f"[::ffff:{a:02x}{b:02x}:{c:02x}{d:02x}]"),
    ]


@given(st.sampled_from(NOT_PUBLIC).flatmap(lambda net: st.ip_addresses(network=net)))
def test_no_notation_of_a_private_address_is_taken_for_a_public_one(address: IPv4Address) -> None:
    assert not is_public(address)
    for host in notations(address):
        try:
            target = Outside().target(f"https://{host}/")
        except EgressRefused:
            continue
        literal = literal_in(target.host)
        assert literal is not None, host
        assert not is_public(literal), host


@given(st.text(st.characters(max_codepoint=0x2FFF), max_size=40))
def test_whatever_is_written_is_a_plain_host_or_refused(host: str) -> None:
    url = f"https://{host}/"
    try:
        target = Outside().target(url)
    except EgressRefused:
        return
    assert target.port == 443
    assert target.parts.scheme == "https"
    assert target.host == (urlsplit(url).hostname or "")
    assert literal_in(target.host) or target.host.replace("-", "").replace(".", "").isalnum()
    assert target.host.isascii()


@pytest.mark.parametrize("host", ["imap..example", f"{'x' * 70}.example"])
async def test_a_name_that_cannot_be_asked_for_has_no_address(host: str) -> None:
    with pytest.raises(ProviderUnavailable, match="resolved"):
        await Outside().address(host, 993)
