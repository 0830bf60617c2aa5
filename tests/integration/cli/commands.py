"""The command line as a process of its own, against services in this one."""

import asyncio
import json
import os
import pty
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.cli.place import ROOT
from tests.eventually import eventually
from tests.keys import token
from tests.system import System

PROGRAM = (sys.executable, "-m", "deploy.cli.main")
_STEERING = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Ended:
    """A command that has ended, with what it has printed."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass
class Screen:
    """What an agent at a terminal sees, and the keys they press."""

    _keys: int
    text: str = ""
    _read_to: int = 0

    def type(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    async def shows(self, pattern: str) -> re.Match[str]:
        """What stands there after what was looked for last."""

        def found() -> re.Match[str] | None:
            return re.compile(pattern).search(_STEERING.sub("", self.text), self._read_to)

        try:
            match = await eventually(found, within_s=20)
        except AssertionError:
            raise AssertionError(f"no {pattern!r} in\n{self.text}") from None
        assert match
        self._read_to = match.end()
        return match


@dataclass
class Cli:
    """`waypost` as somebody with a token for one workspace uses it."""

    system: System
    workspace_id: str
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        services = {f"WAYPOST_{name.upper()}_URL": self.system.url(name) for name in self.system.services}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WAYPOST_")}
        self.env = {
            **kept,
            **services,
            "WAYPOST_DATA": str(self.folder),
            "WAYPOST_TOKEN": token(self.workspace_id, subject="operator"),
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
            "COLUMNS": "160",
            **self.env,
        }

    async def run(self, *words: str | Path, env: Mapping[str, str] | None = None, typed: str = "") -> Ended:
        """A command from its start to its end."""
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            *map(str, words),
            env={**self.env, **(env or {})},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(typed.encode()), 60)
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())

    async def ok(self, *words: str | Path, typed: str = "") -> Ended:
        """The same for a command that does what it was asked."""
        ended = await self.run(*words, typed=typed)
        assert (ended.code, ended.err) == (0, ""), ended
        return ended

    @asynccontextmanager
    async def at_a_terminal(self, *words: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Screen]:
        """A command on a pseudo-terminal; it has to end by itself within the block."""
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, *words, env={**self.env, **(env or {})}, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        screen, loop = Screen(ours), asyncio.get_running_loop()

        def read() -> None:
            try:
                screen.text += os.read(ours, 65536).decode(errors="replace")
            except OSError:  # the other end is closed
                loop.remove_reader(ours)

        loop.add_reader(ours, read)
        try:
            yield screen
            assert await asyncio.wait_for(process.wait(), 20) == 0, screen.text
        finally:
            loop.remove_reader(ours)
            os.close(ours)
            if process.returncode is None:
                process.kill()
                await process.wait()
