"""Hints that there is something to do."""

import asyncio
from functools import partial

from shared.wakeups import Changes


async def test_everybody_who_waits_looks_again_at_a_change() -> None:
    changes, holders = Changes(), dict[int, str]()
    waiting = [asyncio.create_task(changes.until(partial(holders.get, n), within_s=60)) for n in (1, 2)]
    await asyncio.sleep(0)
    holders[1] = "one"
    changes.tell()
    assert await waiting[0] == "one"
    assert not waiting[1].done()
    holders[2] = "two"
    changes.tell()
    assert await waiting[1] == "two"


async def test_what_is_true_already_or_never_is_told_as_it_stands() -> None:
    changes, nothing = Changes(), dict[int, str]()
    assert await changes.until(lambda: "there", within_s=0) == "there"
    assert await changes.until(partial(nothing.get, 1), within_s=0) is None
    assert await changes.until(partial(nothing.get, 1), within_s=0.01) is None
