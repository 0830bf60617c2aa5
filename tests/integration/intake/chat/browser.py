"""The widget in a real browser, and a network between the two that can be cut."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, async_playwright

from tests.serving import serving

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@dataclass
class Line:
    """A TCP proxy before a server: cut, everything that goes through it breaks off, and nobody gets through."""

    target: int
    port: int = 0
    is_cut: bool = False
    _through: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        away_reader, away_writer = await asyncio.open_connection("127.0.0.1", self.target)
        both = {writer, away_writer}
        self._through |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, away_writer))
                group.create_task(_copy(away_reader, writer))
        finally:
            self._through -= both
            for one in both:
                one.transport.abort()

    def cut(self) -> None:
        self.is_cut = True
        for writer in self._through:
            writer.transport.abort()

    def mend(self) -> None:
        self.is_cut = False


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def open_line(target: int) -> AsyncIterator[Line]:
    line = Line(target)
    async with serving(line.serve) as line.port:
        yield line


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@dataclass
class Widget:
    """What a visitor does with it. Playwright looks into the shadow DOM by itself."""

    page: Page

    @property
    def launcher(self) -> Locator:
        return self.page.locator("waypost-chat .launcher")

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def input(self) -> Locator:
        return self.panel.locator("textarea")

    async def write(self, text: str) -> None:
        await self.input.fill(text)
        await self.input.press("Enter")

    async def shown(self) -> list[str]:
        """The messages in the panel, those of the visitor with a `>`."""
        bubbles: list[str] = await self.panel.locator(".said").evaluate_all(
            "all => all.map(one => (one.classList.contains('own') ? '> ' : '')"
            " + one.querySelector('p').textContent + (one.classList.contains('pending') ? ' …' : ''))"
        )
        return bubbles

    async def picture(self, file: Path) -> None:
        """For somebody to look at: pytest keeps what the last runs left."""
        await self.page.screenshot(path=file, animations="disabled")
