"""HTML as plain text, for mail that has nothing else: lines, lists, and quotes marked with `>`.

What a mail program quotes stands in a container that it names; its lines get the same mark as quoted plain
text, so that one piece of code cuts both.
"""

import re
from collections import Counter

from services.intake.adapters.email import html_tokens

_BREAKS = frozenset(
    {"p", "div", "tr", "table", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "section"}
    | {"article", "header", "footer", "dl", "dt", "dd", "form", "fieldset", "address", "center", "hr", "li"}
)
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "ul", "ol", "blockquote"})
_HIDDEN = frozenset({"template", "noscript", "object", "svg"})
_DRAWN = frozenset({"br", "hr", "li", "td", "th"})
_VOID = frozenset(
    {"br", "hr", "img", "meta", "link", "input", "area", "base", "col", "embed", "source", "track", "wbr"}
)
_QUOTES = re.compile(r"\b(gmail_quote|yahoo_quoted|protonmail_quote|moz-cite-prefix|zmail_extra)\b")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BULLET = "- "
_MAX_DEPTH = 20


def to_text(html: str) -> str:
    """The text that a reader of this HTML sees, line by line."""
    lines = _Lines()
    html_tokens.read(html, lines)
    return lines.whole()


class _Lines:
    """Collects lines. `_open` are the open elements; `_quotes` and `_hidden` say how deep some of them stand."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        self._quotes: list[int] = []
        self._hidden: list[int] = []
        self._is_after_blank = True

    def start(self, name: str, attributes: str) -> None:
        if name in _BREAKS:
            self._break(name)
        if name in _DRAWN:
            self._draw(name)
        if name in _VOID:
            return
        self._open.append(name)
        self._count[name] += 1
        if name == "blockquote" or (attributes and _is_quote(attributes)):
            self._quotes.append(len(self._open))
        if name in _HIDDEN:
            self._hidden.append(len(self._open))

    def end(self, name: str) -> None:
        if not self._count[name]:
            return
        if name in _BREAKS:
            self._break(name)
        closed = ""
        while closed != name:
            closed = self._open.pop()
            self._count[closed] -= 1
        depth = len(self._open)
        while self._quotes and self._quotes[-1] > depth:
            self._quotes.pop()
        while self._hidden and self._hidden[-1] > depth:
            self._hidden.pop()

    def text(self, text: str) -> None:
        if self._hidden:
            return
        if self._count["pre"]:
            first, *rest = text.split("\n")
            self._line.append(first)
            for line in rest:
                self._end_line()
                self._line = [line]
        else:
            text = _SPACE.sub(" ", text)
            self._line.append(text if self._line and not self._line[-1].endswith(" ") else text.lstrip(" "))

    def whole(self) -> str:
        """What was read."""
        self._break("")
        return "\n".join(self._lines).strip("\n")

    def _draw(self, name: str) -> None:
        if name == "br":
            self._end_line()
        elif name == "hr":
            self._line = ["_" * 32]
            self._end_line()
        elif name == "li":
            self._line = [_BULLET]
        elif self._line:
            self._line.append(" ")

    def _break(self, name: str) -> None:
        if self._line:
            if self._line == [_BULLET]:
                return
            if "".join(self._line).strip():
                self._end_line()
            self._line = []
        if name in _PARAGRAPHS and not self._is_after_blank:
            self._end_line()

    def _end_line(self) -> None:
        mark = "> " * min(len(self._quotes), _MAX_DEPTH)
        line = f"{mark}{''.join(self._line)}".replace("\xa0", " ").rstrip()
        self._lines.append(line)
        self._line = []
        self._is_after_blank = not line.strip("> ")


def _is_quote(attributes: str) -> bool:
    # Most elements are none, which is seen sooner than their attributes are taken apart.
    if _QUOTES.search(attributes) is None:
        return False
    return any(_QUOTES.search(value) for value in html_tokens.values_of(attributes, "class", "id"))
