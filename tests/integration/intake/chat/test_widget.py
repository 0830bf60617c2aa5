"""The widget on its demo page, in a real browser against a running intake."""

import asyncio
import gzip
import os
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from deploy.local.node import with_node
from deploy.local.widget import FOLDER, ensure
from services.intake.api.widget import BUILT
from tests.clients import client
from tests.eventually import eventually
from tests.integration.intake.chat.browser import Line, Widget, open_browser, open_line
from tests.integration.intake.chat.room import KEY, Room

LARGEST = 25_000


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    await asyncio.to_thread(ensure)
    async with open_browser() as opened:
        yield opened


@pytest.fixture
async def line(room: Room) -> AsyncIterator[Line]:
    """The visitor's network."""
    async with open_line(int(room.system.url("intake").rpartition(":")[2])) as opened:
        yield opened


@pytest.fixture
async def widget(browser: Browser, line: Line, room: Room) -> AsyncIterator[Widget]:
    """The widget in a browser of its own, on a page that was looked at once."""
    context = await browser.new_context(viewport={"width": 1100, "height": 760}, locale="en-GB")
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    await page.goto(f"http://127.0.0.1:{line.port}/chat/demo?address={room.address}&key={KEY}")
    yield Widget(page)
    await context.close()
    assert wrong == []


async def test_the_file_is_small_and_asked_for_again_only_when_it_has_changed(
    browser: Browser, room: Room
) -> None:
    assert browser.is_connected()
    assert len(gzip.compress(BUILT.read_bytes())) < LARGEST
    async with client(room.system.url("intake")) as http:
        answer = await http.get("/chat/widget.js")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"].startswith("public, max-age=")
        again = await http.get("/chat/widget.js", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        bad = await http.get("/chat/demo", params={"key": '"><script>'})
        assert bad.status_code == 422


async def test_its_own_tests_pass(browser: Browser) -> None:
    assert browser.is_connected()
    tests = await asyncio.create_subprocess_exec(
        *("npm", "test"), cwd=FOLDER, env=with_node(os.environ), stdout=PIPE, stderr=STDOUT
    )
    said, _ = await tests.communicate()
    assert tests.returncode == 0, said.decode()


async def test_offline_and_back_every_message_is_there_once_and_in_order(
    widget: Widget, line: Line, room: Room, tmp_path: Path
) -> None:
    await widget.launcher.click()
    await widget.panel.get_by_text("Hello!").wait_for()
    await widget.write("It does not print.")
    ticket_id = (await room.ticket())["ticket_id"]
    await room.reply(ticket_id, "Is it on? See https://www.example.com/help.")
    await widget.panel.get_by_text("Is it on?").wait_for()
    link = widget.panel.get_by_role("link")
    assert await link.get_attribute("href") == "https://www.example.com/help"

    # The connection breaks, and nothing gets through; the browser itself does not know.
    line.cut()
    for number in range(3):
        await widget.write(f"cut {number}")
    await room.reply(ticket_id, "Are you there?")
    await widget.picture(tmp_path / "offline.png")
    assert (await widget.shown())[2:] == ["> cut 0 …", "> cut 1 …", "> cut 2 …"]
    line.mend()
    await widget.panel.get_by_text("Are you there?").wait_for()
    await until_shown(widget, 6)

    # The browser says that it is offline, and the page is loaded anew before everything is sent.
    await widget.page.context.set_offline(True)
    await widget.panel.get_by_text("You are offline").wait_for()
    await widget.write("offline")
    await room.reply(ticket_id, "Hello?")
    await widget.page.context.set_offline(False)
    await widget.panel.get_by_text("Hello?").wait_for()
    await until_shown(widget, 8)
    line.cut()
    await widget.write("before the page was left")
    line.mend()
    await widget.page.reload()
    await widget.launcher.click()
    await until_shown(widget, 9)

    await widget.picture(tmp_path / "online.png")
    shown = [text.removeprefix("> ") for text in await widget.shown()]
    assert shown == await room.texts(ticket_id)
    own = [text for text in await widget.shown() if text.startswith("> ")]
    assert own == [f"> {text}" for text in OWN]
    assert len(await room.tickets()) == 1


OWN = ("It does not print.", "cut 0", "cut 1", "cut 2", "offline", "before the page was left")


async def until_shown(widget: Widget, number: int) -> None:
    async def probe() -> None:
        shown = await widget.shown()
        assert len(shown) == number
        assert not [text for text in shown if text.endswith("…")]

    async def is_so() -> bool:
        await probe()
        return True

    await eventually(is_so, within_s=20, every_s=0.1)


async def test_both_sides_see_typing_and_reading_and_the_badge_counts(widget: Widget, room: Room) -> None:
    await widget.launcher.click()
    await widget.write("Hello?")
    ticket_id = (await room.ticket())["ticket_id"]
    await widget.panel.get_by_text("We will be with you soon.").wait_for()
    await room.http.post(f"/v1/tickets/{ticket_id}/typing", json={})
    await widget.panel.get_by_text("is writing…").wait_for()
    await room.http.post(f"/v1/tickets/{ticket_id}/read", json={})
    await widget.panel.get_by_text("Read", exact=True).wait_for()
    await widget.input.press("Escape")
    assert await widget.panel.count() == 0
    assert await widget.launcher.evaluate("one => one.getRootNode().activeElement === one")
    reply = await room.reply(ticket_id, "Yes?")
    await widget.page.get_by_role("button", name="Open chat (1 unread)").wait_for()
    await room.until_delivery(reply["message_id"], "delivered")
    await widget.page.keyboard.press("Enter")
    await widget.panel.get_by_text("Yes?").wait_for()
    await room.until_delivery(reply["message_id"], "read")


async def test_a_transcript_can_be_asked_for_and_the_chat_ended_by_keyboard(widget: Widget, room: Room) -> None:
    await widget.launcher.focus()
    await widget.page.keyboard.press("Enter")
    await widget.page.keyboard.type("Hello?")
    await widget.page.keyboard.press("Enter")
    ticket_id = (await room.ticket())["ticket_id"]
    ask = widget.panel.get_by_role("button", name="Transcript by mail")
    await ask.focus()
    await widget.page.keyboard.press("Enter")
    await widget.page.keyboard.type(f"{'a' * 65}@example.org")
    await widget.page.keyboard.press("Enter")
    await widget.panel.get_by_text("Not sent").wait_for()
    email = widget.panel.locator("input[type=email]")
    await email.fill("ada@example.org")
    await email.press("Enter")
    await widget.panel.get_by_text("A transcript comes when the chat ends.").wait_for()

    async def is_known() -> bool:
        return bool((await room.chat(ticket_id))["visitor_email"] == "ada@example.org")

    await eventually(is_known)
    await widget.panel.get_by_role("button", name="End chat").click()
    await room.until_state(ticket_id, "abandoned")


async def test_the_page_is_asked_for_another_token_once_the_one_that_it_gave_has_expired(
    widget: Widget, room: Room
) -> None:
    identify = "token => WaypostChat.identify(token)"
    await widget.page.evaluate(identify, room.visitor_token())
    await widget.launcher.click()
    await widget.write("Hello?")
    ticket_id = (await room.ticket())["ticket_id"]
    gives = f"token => document.addEventListener('waypost-chat:token-refused', () => ({identify})(token))"
    await widget.page.evaluate(gives, room.visitor_token())
    # As a connection does that is opened anew much later.
    await widget.page.evaluate(identify, room.visitor_token(exp=1))
    await room.reply(ticket_id, "Yes?")
    await widget.panel.get_by_text("Yes?").wait_for()
    await widget.write("It goes on.")
    await until_shown(widget, 3)
    assert len(await room.tickets()) == 1


async def test_markup_is_text(widget: Widget, room: Room) -> None:
    await widget.launcher.click()
    await widget.write("<img src=x onerror=alert(1)>")
    ticket_id = (await room.ticket())["ticket_id"]
    await room.reply(ticket_id, '<b>bold</b> javascript:alert(1) http://x"onclick=alert(1)')
    await widget.panel.get_by_text("<b>bold</b>").wait_for()
    assert await widget.panel.locator("img, b").count() == 0


@pytest.mark.parametrize(
    ("name", "size", "scheme", "language"),
    [
        ("dark", (1100, 760), "dark", "de"),
        ("mobile", (390, 780), "light", "en"),
        ("arabic", (1100, 760), "light", "ar"),
    ],
)
async def test_it_fits_where_it_is_shown(
    browser: Browser,
    line: Line,
    room: Room,
    name: str,
    size: tuple[int, int],
    scheme: str,
    language: str,
    tmp_path: Path,
) -> None:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = await context.new_page()
    url = f"http://127.0.0.1:{line.port}/chat/demo?address={room.address}&key={KEY}&language={language}"
    await page.goto(url)
    widget = Widget(page)
    await widget.launcher.click()
    await widget.write("Hello?")
    await room.reply((await room.ticket())["ticket_id"], "Yes?")
    await widget.panel.get_by_text("Yes?").wait_for()
    await widget.picture(tmp_path / f"{name}.png")
    box = await widget.panel.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size[0]
    if name == "mobile":
        assert (box["width"], box["height"]) == size
    is_right = box["x"] > size[0] / 2
    assert is_right is (language != "ar" and name != "mobile")
    await context.close()
