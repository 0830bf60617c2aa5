"""The parser's processes: started when there is mail, ended when one hangs, dies or has served its time."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from services.intake.adapters.email import wire
from services.intake.app.mail_ports import UnreadableMail
from services.intake.domain.mail import Envelope, Mail
from shared.errors import Unavailable
from shared.telemetry.names import Log

log = structlog.get_logger()

T = TypeVar("T")

_MODULE = "services.intake.adapters.email.parser_process"
_ROOT = Path(__file__).resolve().parents[4]
_LARGE = 8 << 20
"""After a mail of so many bytes a process is not used again: its memory stays."""

_LONG = 262_144
"""Bytes of an answer that is not read on the event loop."""

_DYING_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserLimits:
    """What one mail may cost. cpu_s and wall_s are seconds."""

    memory_mb: int = 512
    cpu_s: int = 5
    wall_s: float = 20
    mails: int = 1000


class Parsers:
    """Reads mails, each in a process of its own: as many of them as are asked at one time."""

    def __init__(self, limits: ParserLimits = ParserLimits()) -> None:
        self._limits = limits
        self._idle: list[_Parser] = []
        self._busy: set[_Parser] = set()

    @property
    def pids(self) -> list[int]:
        """The processes that run."""
        return [parser.pid for parser in (*self._idle, *self._busy) if parser.is_alive]

    async def parse(self, raw: bytes) -> Mail:
        """The mail in these bytes. Raises UnreadableMail saying why it cannot be read."""
        return await self._parse(raw, "", wire.decode)

    async def parse_posted(self, provider: str, content_type: str, body: bytes) -> tuple[Mail, Envelope]:
        """The mail that a provider posts, and its envelope. Raises UnreadableMail saying why it cannot be read."""
        return await self._parse(body, f"{provider} {content_type}", wire.decode_posted)

    async def _parse(self, raw: bytes, posted_by: str, decode: Callable[[bytes], T]) -> T:
        parser = await self._rested() or await _Parser.start(self._limits)
        self._busy.add(parser)
        is_good = False
        try:
            read = await parser.parse(raw, posted_by, decode, self._limits.wall_s)
            is_good = True
            return read
        except UnreadableMail as error:
            is_good = error.is_parser_well
            raise
        finally:
            self._busy.discard(parser)
            if is_good and parser.mails < self._limits.mails and len(raw) < _LARGE:
                self._idle.append(parser)
            else:
                await parser.end()

    async def _rested(self) -> "_Parser | None":
        """A process that waits for mail. One that was killed while it waited costs no mail."""
        while self._idle:
            parser = self._idle.pop()
            if parser.is_alive:
                return parser
            await parser.end()
        return None

    async def close(self) -> None:
        """Ends the processes that wait for mail; nobody else is waiting for one any more."""
        while self._idle:
            await self._idle.pop().end()


class _Parser:
    def __init__(self, process: Process) -> None:
        self._process = process
        self.mails = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    @classmethod
    async def start(cls, limits: ParserLimits) -> "_Parser":
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _MODULE,
                str(limits.memory_mb),
                str(limits.cpu_s),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                # Nothing of our environment: it holds secrets.
                env={"PYTHONPATH": str(_ROOT)},
            )
        except OSError as error:
            raise Unavailable("no parser can be started") from error
        return cls(process)

    async def parse(self, raw: bytes, posted_by: str, decode: Callable[[bytes], T], wall_s: float) -> T:
        self.mails += 1
        try:
            async with asyncio.timeout(wall_s):
                state, answer = await self._ask(raw, posted_by.encode())
        except TimeoutError:
            raise self._ended("took too long") from None
        except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):
            # A RuntimeError is what uvloop says of a pipe that was closed just before.
            raise self._ended(await self._cause_of_death()) from None
        if state == wire.READ:
            try:
                return await asyncio.to_thread(decode, answer) if len(answer) > _LONG else decode(answer)
            except ValueError:
                raise self._ended("answers nonsense") from None
        raise UnreadableMail(answer.decode(errors="replace")[:200], is_parser_well=b"MemoryError" not in answer)

    async def _ask(self, raw: bytes, posted_by: bytes) -> tuple[bytes, bytes]:
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        questions.write(wire.LENGTH.pack(len(posted_by)) + posted_by + wire.LENGTH.pack(len(raw)))
        questions.write(raw)
        await questions.drain()
        head = await answers.readexactly(1 + wire.LENGTH.size)
        (length,) = wire.LENGTH.unpack(head[1:])
        if length > wire.MAX_ANSWER:
            raise self._ended("answers too much")
        return head[:1], await answers.readexactly(length)

    async def _cause_of_death(self) -> str:
        """Why it has closed its pipe."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DYING_S):
                code = await self._process.wait()
                return _SIGNALS.get(-code, f"ended with code {code}")
        return "does not answer any more"

    def _ended(self, why: str) -> UnreadableMail:
        log.warning(Log.PARSER_ENDED, why=why, mails=self.mails)
        return UnreadableMail(f"the parser {why}", is_parser_well=False)

    async def end(self) -> None:
        """Kills the process and forgets it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.shield(self._process.wait())


_SIGNALS: dict[int, str] = {
    signal.SIGXCPU: "took too much processor time",
    signal.SIGKILL: "was killed",
    signal.SIGSEGV: "crashed",
    signal.SIGABRT: "crashed",
}
