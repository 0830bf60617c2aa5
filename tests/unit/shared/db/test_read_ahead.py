"""What comes next is asked for while the reader is at work, and nothing stays open."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from shared.db.read_ahead import read_ahead


class Pages:
    """Three pages, of which each takes a moment. fails_at: instead of that page there is an error"""

    def __init__(self, fails_at: int = 0) -> None:
        self.fails_at = fails_at
        self.told: list[str] = []

    async def read(self) -> AsyncGenerator[int]:
        try:
            for page in (1, 2, 3):
                self.told.append(f"asked for {page}")
                await asyncio.sleep(0)
                if page == self.fails_at:
                    raise ValueError("lost")
                yield page
        finally:
            self.told.append("closed")

    async def work(self, *, gives_up: bool = False) -> list[int]:
        """A reader's work, which takes a moment on each page."""
        read = []
        async with aclosing(read_ahead(self.read())) as ahead:
            async for page in ahead:
                if gives_up:
                    raise KeyError
                await asyncio.sleep(0)
                self.told.append(f"worked on {page}")
                read.append(page)
        return read


async def test_the_next_page_is_asked_for_before_the_reader_is_done_with_one() -> None:
    pages = Pages()
    assert await pages.work() == [1, 2, 3]
    assert pages.told == [
        "asked for 1", "asked for 2", "worked on 1", "asked for 3", "worked on 2", "closed", "worked on 3",
    ]  # fmt: skip


async def test_an_error_comes_where_its_page_would_have_come() -> None:
    pages = Pages(fails_at=2)
    with pytest.raises(ValueError, match="lost"):
        await pages.work()
    assert [line for line in pages.told if line.startswith("worked")] == ["worked on 1"]
    assert "closed" in pages.told


@pytest.mark.parametrize("fails_at", [0, 2])
async def test_a_reader_that_gives_up_leaves_nothing_under_way(fails_at: int) -> None:
    pages = Pages(fails_at)
    with pytest.raises(KeyError):
        await pages.work(gives_up=True)
    assert pages.told == ["asked for 1", "asked for 2", "closed"]
