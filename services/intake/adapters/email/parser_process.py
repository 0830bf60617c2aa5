"""`python -m services.intake.adapters.email.parser_process MEMORY CPU` reads mails for intake, one after another.

A question is a length and who posts the mail, a length and the mail; an answer a state, a length, and the mail as
`wire` writes it or the reason why it cannot be read. The kernel bounds its memory and its processor time:
whatever a mail does to it, it does to this process alone, and intake starts another one.
"""

import resource
import sys
from typing import BinaryIO

from services.intake.adapters.email import mime, wire
from services.intake.adapters.hooks import posted


def limit_memory(megabytes: int) -> None:
    """Bounds the address space, and leaves no core dumps, which would hold customers' mail."""
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_seconds(seconds: int) -> None:
    """Bounds the processor time from now on: the limit is on all that this process has ever used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


def answer(raw: bytes, posted_by: bytes = b"") -> tuple[bytes, bytes]:
    """State and content of the answer. posted_by: provider and media type; empty for a mail as it is sent"""
    try:
        if posted_by:
            provider, _, content_type = posted_by.decode().partition(" ")
            return wire.READ, wire.encode_posted(*posted.read(provider, content_type, raw))
        return wire.READ, wire.encode(mime.read(raw))
    except mime.Unreadable as error:
        return wire.REFUSED, str(error).encode()
    except (Exception, MemoryError) as error:  # noqa: BLE001 - anything may happen; all of it ends in quarantine
        return wire.REFUSED, f"the parser fails: {type(error).__name__}".encode()


def serve(questions: BinaryIO, answers: BinaryIO, cpu_s: int) -> None:
    """Answers until there are no more questions."""
    while len(length := questions.read(wire.LENGTH.size)) == wire.LENGTH.size:
        posted_by = questions.read(*wire.LENGTH.unpack(length))
        raw = questions.read(*wire.LENGTH.unpack(questions.read(wire.LENGTH.size)))
        allow_seconds(cpu_s)
        state, content = answer(raw, posted_by)
        del raw
        answers.write(state + wire.LENGTH.pack(len(content)))
        answers.write(content)
        answers.flush()


if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    serve(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[2]))
