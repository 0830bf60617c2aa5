"""A line of input at the bottom of the terminal, under what is printed meanwhile.

On a terminal keys are read one by one, so that the prompt can count down while somebody types. From a pipe or a
file whole lines are read, and nothing is drawn twice.
"""

import asyncio
import codecs
import os
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TextIO

from rich.console import Console, RenderableType

_ERASE = "\r\033[K"
_BACKSPACE = ("\x7f", "\b")
_ERASE_LINE, _ERASE_WORD, _END = "\x15", "\x17", "\x04"
_ESCAPE = "\033"


class Terminal(Protocol):
    """Where an agent types and reads."""

    is_live: bool

    def say(self, text: RenderableType) -> None:
        """Prints above the line of input."""
        ...

    def prompt(self, text: str) -> None:
        """What stands before the line of input."""
        ...

    def lines(self) -> AsyncIterator[str]:
        """What is typed, line by line, until the input ends."""
        ...


@contextmanager
def open_terminal(stdin: TextIO = sys.stdin, stdout: TextIO = sys.stdout) -> Iterator[Terminal]:
    """The terminal of this process, left as it was found. Called with the event loop running."""
    if not (stdin.isatty() and stdout.isatty()):
        yield Pipe(stdin, stdout)
        return
    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin)
    keys = Keys(stdin, stdout)
    try:
        yield keys
    finally:
        keys.close()
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


class Pipe:
    """Lines in, lines out."""

    is_live = False

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:
        self._console = Console(file=stdout, highlight=False, width=200, soft_wrap=True)
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        # A file cannot be waited for otherwise. The thread ends with the process.
        threading.Thread(target=self._read, args=(stdin,), daemon=True).start()

    def say(self, text: RenderableType) -> None:
        """Prints."""
        self._console.print(text)
        self._console.file.flush()

    def prompt(self, text: str) -> None:
        """Nothing: nobody looks."""

    async def lines(self) -> AsyncIterator[str]:
        """The lines of the input."""
        while (line := await self._lines.get()) is not None:
            yield line

    def _read(self, stdin: TextIO) -> None:
        with suppress(RuntimeError):  # the loop has ended before the input
            for line in stdin:
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line.rstrip("\n"))
            self._loop.call_soon_threadsafe(self._lines.put_nowait, None)


class Keys:
    """A line of input that is drawn anew whenever something is printed or the prompt changes."""

    is_live = True

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:
        self._in, self._out = stdin.fileno(), stdout
        self._console = Console(file=stdout, highlight=False)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._prompt, self._typed, self._sequence = "", "", ""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._in, self._read)

    def close(self) -> None:
        """Stops reading."""
        self._loop.remove_reader(self._in)
        self._out.write(_ERASE)
        self._out.flush()

    def say(self, text: RenderableType) -> None:
        """Prints above the line of input."""
        self._out.write(_ERASE)
        self._console.print(text)
        self._draw()

    def prompt(self, text: str) -> None:
        """What stands before the line of input."""
        if text != self._prompt:
            self._prompt = text
            self._draw()

    async def lines(self) -> AsyncIterator[str]:
        """What is typed, line by line."""
        while (line := await self._lines.get()) is not None:
            yield line

    def _draw(self) -> None:
        # The end of a long line is what somebody is typing at.
        room = max(10, self._console.width - len(self._prompt) - 1)
        self._out.write(f"{_ERASE}{self._prompt}{self._typed[-room:]}")
        self._out.flush()

    def _read(self) -> None:
        read = os.read(self._in, 4096)
        for key in self._decoder.decode(read):
            self._key(key)
        if not read:
            self._end()
        self._draw()

    def _key(self, key: str) -> None:
        if self._sequence or key == _ESCAPE:
            self._sequence += key
            # Arrow and function keys do nothing here: they end with a letter or a tilde.
            if len(self._sequence) > 2 and (key.isalpha() or key == "~"):
                self._sequence = ""
        elif key in ("\n", "\r"):
            self._out.write(f"{_ERASE}{self._prompt}{self._typed}\n")
            self._lines.put_nowait(self._typed)
            self._typed = ""
        elif key in _BACKSPACE:
            self._typed = self._typed[:-1]
        elif key == _ERASE_LINE:
            self._typed = ""
        elif key == _ERASE_WORD:
            self._typed = self._typed.rstrip().rpartition(" ")[0]
        elif key == _END and not self._typed:
            self._end()
        elif key.isprintable():
            self._typed += key

    def _end(self) -> None:
        self._loop.remove_reader(self._in)
        self._lines.put_nowait(None)
