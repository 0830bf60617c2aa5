"""Replies as mail programs write them, by language, in `replies/*.txt`: what is left is what their writer added.

A case begins with `@@@ program | kind` and, where it matters, `| subject`; `@@@ new` is followed by what is to be
left, `@@@ whole` says that all of it is. Without either it is the file's `@@@ answer`, which also stands for
`{answer}`. What cannot be seen is written as in Python: `\\xa0`, `\\u202f`, `\\x20` for a space at a line's end.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pytest

from services.intake.adapters.email import mime
from tests.unit.intake.mails import raw_mail

FOLDER = Path(__file__).parent / "replies"
LANGUAGES = {"en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "ja", "zh", "da", "nb", "fi", "cs"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4}))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One case. file: the language, `kept` for what has to stay as it is, `other` for more."""

    file: str
    program: str
    kind: str
    subject: str
    text: str
    new: str

    @property
    def left(self) -> str:
        """What is left of the mail, read as any other."""
        raw = raw_mail("BODY", Subject=self.subject, Content_Type=f"text/{self.kind}; charset=utf-8")
        return mime.read(raw.replace(b"BODY", self.text.encode())).text_new


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Each section's title and body."""
    _, *pieces = re.split(r"^@@@ (.*)\n", text, flags=re.MULTILINE)
    yield from zip(pieces[::2], (body.rstrip("\n") for body in pieces[1::2]), strict=True)


def _shown(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text)


def _replies(path: Path) -> Iterator[Reply]:
    answer = ""
    pending: dict[str, str] = {}
    for title, body in [*_sections(path.read_text(encoding="utf-8")), ("end", "")]:
        if title == "new":
            pending["new"] = body
        elif title == "whole":
            pending["new"] = pending["text"]
        else:
            if pending:
                yield Reply(**{"new": answer, **pending})
            pending = {}
        if title == "answer":
            answer = body
        elif title not in ("new", "whole", "end"):
            program, kind, *subject = title.split(" | ")
            text = _shown(body.replace("{answer}", escape(answer) if kind == "html" else answer))
            pending = {"file": path.stem, "program": program, "kind": kind, "text": text}
            pending["subject"] = subject[0] if subject else "Re: It does not print"


REPLIES = [reply for path in sorted(FOLDER.glob("*.txt")) for reply in _replies(path)]


def _is_exact(reply: Reply) -> bool:
    return [line.rstrip() for line in reply.left.split("\n")] == [line.rstrip() for line in reply.new.split("\n")]


def test_replies_are_cut_exactly() -> None:
    failures = [reply for reply in REPLIES if not _is_exact(reply)]
    score = 1 - len(failures) / len(REPLIES)
    by_file = Counter(reply.file for reply in REPLIES)
    wrong = "".join(f"\n  {reply.file}: {reply.program} ({reply.kind})" for reply in failures)
    assert score >= 0.95, f"{score:.1%} of {len(REPLIES)} are exact; cases: {dict(by_file)}; not:{wrong}"


def test_every_language_has_its_replies() -> None:
    cases = Counter(reply.file for reply in REPLIES)
    assert set(cases) == {*LANGUAGES, "other", "kept"}
    assert min(cases.values()) >= 8
    assert len(REPLIES) >= 150


@pytest.mark.parametrize("reply", [reply for reply in REPLIES if reply.kind == "plain"], ids=lambda it: it.program)
def test_a_reply_read_again_has_nothing_left_to_cut(reply: Reply) -> None:
    left = reply.left
    again = raw_mail("BODY", Subject=reply.subject, Content_Type="text/plain; charset=utf-8")
    assert mime.read(again.replace(b"BODY", left.encode())).text_new == left
