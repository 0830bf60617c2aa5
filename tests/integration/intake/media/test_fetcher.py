"""Fetching from servers that mean no good."""

import gzip
import ssl
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from services.intake.adapters.bytes_in_hand import BytesInHand
from services.intake.adapters.media.fetcher import Fetched, Fetcher, MediaRefused
from services.intake.adapters.outbound.vendor_http import VendorHttp
from services.intake.adapters.outside import Outside
from shared.egress import Address, Egress
from shared.errors import ProviderUnavailable
from tests.integration.intake.media.certificates import server_context
from tests.integration.intake.media.double import Website, answer, drip, flood

MOST = 1_000_000
BEARER = {"Authorization": "Bearer secret"}


@pytest.fixture
async def website() -> AsyncIterator[Website]:
    async with Website.open() as opened:
        yield opened


@pytest.fixture
async def fetcher(website: Website) -> AsyncIterator[Fetcher]:
    opened = Fetcher(Outside([f"127.0.0.1:{website.port}", f"localhost:{website.port}"]), total_s=2)
    yield opened
    await opened.close()


async def fetch(fetcher: Fetcher, url: str, headers: dict[str, str], max_bytes: int = MOST) -> Fetched:
    with BytesInHand(MOST + 1_000_000).gathering() as into:
        return await fetcher.fetch(url, into, headers=headers, max_bytes=max_bytes)


async def get(fetcher: Fetcher, url: str, **headers: str) -> bytes:
    return (await fetch(fetcher, url, headers)).content


async def test_what_is_there_is_fetched_as_it_is(website: Website, fetcher: Fetcher) -> None:
    website.answers["/a.png?x=1"] = [answer(200, b"picture", Content_Type="image/PNG; q=1")]
    fetched = await fetch(fetcher, website.url("/a.png?x=1"), BEARER, max_bytes=7)
    assert (fetched.content, fetched.media_type) == (b"picture", "image/png")
    (call,) = website.calls
    assert call.headers["accept-encoding"] == "identity"
    assert call.headers["host"] == f"127.0.0.1:{website.port}"
    assert call.headers["authorization"] == "Bearer secret"


async def test_a_media_type_that_is_none_is_not_believed(website: Website, fetcher: Fetcher) -> None:
    website.answers["/"] = [answer(200, b"x", Content_Type="<script>")]
    assert (await fetch(fetcher, website.url(), {})).media_type is None


@pytest.mark.parametrize(("status", "is_final"), [(400, True), (410, True), (204, True), (206, True), (304, True)])
async def test_some_answers_are_final(website: Website, fetcher: Fetcher, status: int, is_final: bool) -> None:
    website.answers["/"] = [answer(status, b"<secret of the answer>" if status >= 400 else b"")]
    with pytest.raises(MediaRefused if is_final else ProviderUnavailable, match=str(status)) as failure:
        await get(fetcher, website.url())
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("status", [401, 403, 404, 408, 425, 429, 500, 503])
async def test_others_may_be_another_one_later(website: Website, fetcher: Fetcher, status: int) -> None:
    website.answers["/"] = [answer(status, b"<secret of the answer>")]
    with pytest.raises(ProviderUnavailable, match=str(status)) as failure:
        await get(fetcher, website.url())
    assert "secret" not in str(failure.value)


async def test_redirects_are_followed_three_times_and_no_more(website: Website, fetcher: Fetcher) -> None:
    for n in range(4):
        website.answers[f"/{n}"] = [answer(302, Location=f"/{n + 1}")]
    website.answers["/4"] = [answer(200, b"here")]
    assert await get(fetcher, website.url("/1")) == b"here"
    with pytest.raises(MediaRefused):
        await get(fetcher, website.url("/0"))
    website.answers["/loop"] = [answer(301, Location="/loop")]
    with pytest.raises(MediaRefused):
        await get(fetcher, website.url("/loop"))


async def test_credentials_stay_with_the_host_that_they_are_for(website: Website, fetcher: Fetcher) -> None:
    website.answers["/mine"] = [answer(307, Location="/also-mine")]
    website.answers["/also-mine"] = [answer(307, Location=website.url("/theirs", host="localhost"))]
    website.answers["/theirs"] = [answer(302, Location=website.url("/back"))]
    website.answers["/back"] = [answer(200, b"here")]
    assert await get(fetcher, website.url("/mine"), **BEARER) == b"here"
    given = [(call.path, call.headers.get("authorization")) for call in website.calls]
    assert given == [
        ("/mine", "Bearer secret"),
        ("/also-mine", "Bearer secret"),
        ("/theirs", None),
        ("/back", None),
    ]


@pytest.mark.parametrize(
    "location",
    [
        *(
            "http://169.254.169.254/latest/meta-data/",
            "http://127.0.0.1:1/",
            "https://127.0.0.1/",
            "https://[::1]/",
        ),
        *(
            "https://2130706433/",
            "http://example.org/",
            "file:///etc/passwd",
            "https://user:word@example.org/",
            "//[/",
        ),
    ],
)
async def test_a_redirect_is_judged_like_the_first_address(
    website: Website, fetcher: Fetcher, location: str
) -> None:
    website.answers["/"] = [answer(302, Location=location)]
    with pytest.raises((MediaRefused, ProviderUnavailable)):
        await get(fetcher, website.url())
    assert len(website.calls) == 1


async def test_too_much_is_not_taken_whatever_was_announced(website: Website, fetcher: Fetcher) -> None:
    website.answers["/told"] = [answer(200, bytes(MOST + 1))]
    website.answers["/flood"] = [flood]
    website.answers["/lied"] = [answer(200, bytes(10), Content_Length="-1")]
    for path in ("/told", "/flood"):
        with pytest.raises(MediaRefused, match="larger than"):
            await get(fetcher, website.url(path))
    with pytest.raises((MediaRefused, ProviderUnavailable)):
        await get(fetcher, website.url("/lied"))


async def test_what_drips_is_given_up(website: Website, fetcher: Fetcher) -> None:
    website.answers["/"] = [drip]
    with pytest.raises(ProviderUnavailable, match="took too long"):
        await get(fetcher, website.url())


async def test_what_was_packed_is_refused_unread(website: Website, fetcher: Fetcher) -> None:
    website.answers["/"] = [answer(200, gzip.compress(bytes(MOST)), Content_Encoding="gzip")]
    with pytest.raises(MediaRefused, match="packs"):
        await get(fetcher, website.url())


async def test_an_answer_that_breaks_off_is_none(website: Website, fetcher: Fetcher) -> None:
    website.answers["/"] = [answer(200, b"half", Content_Length="8")]
    with pytest.raises(ProviderUnavailable):
        await get(fetcher, website.url())


class Resolver:
    """Answers with one address after another."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[Address]:
        self.asked.append(host)
        return [ip_address(self._answers.pop(0))]


async def test_a_resolver_that_changes_its_answer_is_asked_once_for_each_connection(
    website: Website, tmp_path: Path
) -> None:
    context = server_context(tmp_path, "files.example.org")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    async with Website.open(context) as secure:
        secure.answers["/"] = [answer(200, b"here")]
        url = f"https://files.example.org:{secure.port}/"
        resolver = Resolver("127.0.0.1", "127.0.0.2", "127.0.0.3")
        outside = Outside([f"files.example.org:{secure.port}"], resolve=resolver)
        fetcher = Fetcher(outside, context=trusting)
        assert await get(fetcher, url) == b"here"
        assert resolver.asked == ["files.example.org"]
        assert secure.calls[0].headers["host"] == f"files.example.org:{secure.port}"
        # 127.0.0.2 is another machine, at which nobody listens: the connection goes where the answer said.
        with pytest.raises(ProviderUnavailable):
            await get(fetcher, url)
        await fetcher.close()


async def test_a_name_that_turns_private_is_refused_at_the_next_try(tmp_path: Path) -> None:
    resolver = Resolver("10.0.0.1", "127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1")
    fetcher = Fetcher(Outside(resolve=resolver))
    for _ in range(4):
        with pytest.raises(MediaRefused, match="not a public one"):
            await get(fetcher, "https://flipping.example.org/")
    assert resolver.asked == ["flipping.example.org"] * 4
    await fetcher.close()


async def test_a_certificate_for_another_name_is_none(tmp_path: Path) -> None:
    context = server_context(tmp_path, "other.example.org")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    async with Website.open(context) as secure:
        secure.answers["/"] = [answer(200, b"here")]
        name = f"files.example.org:{secure.port}"
        fetcher = Fetcher(Outside([name], resolve=Resolver("127.0.0.1")), context=trusting)
        with pytest.raises(ProviderUnavailable):
            await get(fetcher, f"https://{name}/", **BEARER)
        assert secure.calls == []
        await fetcher.close()


async def test_what_is_public_never_leads_to_what_is_excepted(website: Website, tmp_path: Path) -> None:
    """A server of the world must not send us to the double, or the object store, beside us."""
    context = server_context(tmp_path, "files.example.org")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    website.answers["/inside"] = [answer(200, b"secret")]
    async with Website.open(context) as secure:
        secure.answers["/"] = [answer(302, Location=website.url("/inside"))]

        class Judged(Outside):
            """Takes the world's server for public, though it is on loopback."""

            async def address(self, host: str, port: int) -> Address:
                return ip_address("127.0.0.1")

            def target(self, url: str):  # type: ignore[no-untyped-def] # as the class above
                target = super().target(url.replace(f":{secure.port}", ""))
                return (
                    target
                    if target.is_allowed
                    else target.__class__(target.parts, target.host, secure.port, target.is_allowed)
                )

        fetcher = Fetcher(Judged([f"127.0.0.1:{website.port}"]), context=trusting)
        with pytest.raises(MediaRefused, match="not public"):
            await get(fetcher, "https://files.example.org/")
        assert website.calls == []
        await fetcher.close()


async def test_what_one_host_sets_no_other_hears(website: Website) -> None:
    """One client serves everybody, and knows hosts by their addresses: two names may share one."""

    async def here(_host: str, _port: int) -> Sequence[Address]:
        return [ip_address("127.0.0.1")]

    website.answers["/"] = [answer(200, b"x", Set_Cookie="session=1; Path=/")]
    names = ("a.example", "b.example")
    fetcher = Fetcher(Outside([f"{name}:{website.port}" for name in names], resolve=here))
    for name in (*names, names[0]):
        await get(fetcher, website.url("/", host=name))
    await fetcher.close()
    assert ["cookie" in call.headers for call in website.calls] == [False] * 3


async def test_vendors_and_webhooks_get_no_cookies_back(website: Website) -> None:
    website.answers["/"] = [answer(200, b"{}", Set_Cookie="session=1; Path=/")]
    vendor, egress = VendorHttp(), Egress(is_development=True)
    for _ in range(2):
        await vendor.post(website.url())
        await egress.post(website.url(), b"{}", {})
    await vendor.close()
    await egress.close()
    assert ["cookie" in call.headers for call in website.calls] == [False] * 4
