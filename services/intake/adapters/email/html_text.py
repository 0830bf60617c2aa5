"""HTML as plain text, for mail that has nothing else: lines, lists, and quotes marked with `>`.

What a mail program quotes stands in a container that it names; its lines get the same mark as quoted plain
text, so that one piece of code cuts both.
"""

import re
from collections import Counter
from html.parser import HTMLParser

_BREAKS = frozenset(
    {"p", "div", "tr", "table", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "section"}
    | {"article", "header", "footer", "dl", "dt", "dd", "form", "fieldset", "address", "center", "hr", "li"}
)
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "ul", "ol", "blockquote"})
_HIDDEN = frozenset({"script", "style", "title", "template", "noscript", "object", "svg"})
_VOID = frozenset(
    {"br", "hr", "img", "meta", "link", "input", "area", "base", "col", "embed", "source", "track", "wbr"}
)
_QUOTES = re.compile(r"\b(gmail_quote|yahoo_quoted|protonmail_quote|moz-cite-prefix|zmail_extra)\b")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BULLET = "- "
_MAX_DEPTH = 20


def to_text(html: str) -> str:
    """The text that a reader of this HTML sees, line by line."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Collects lines. `_open` are the open elements, and whether each is a quote's container."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._count: Counter[str] = Counter()
        self._quoted = 0
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self._break(is_paragraph=tag in _PARAGRAPHS)
        if tag == "br":
            self._end_line()
        elif tag == "hr":
            self._line = ["_" * 32]
            self._end_line()
        elif tag == "li":
            self._line = [_BULLET]
        elif tag in ("td", "th") and self._line:
            self._line.append(" ")
        if tag in _VOID:
            return
        is_quote = tag == "blockquote" or _is_quote(attrs)
        self._open.append((tag, is_quote))
        self._count[tag] += 1
        self._quoted += is_quote
        self._hidden += tag in _HIDDEN

    def handle_endtag(self, tag: str) -> None:
        if not self._count[tag]:
            return
        if tag in _BREAKS:
            self._break(is_paragraph=tag in _PARAGRAPHS)
        closed = ""
        while closed != tag:
            closed, is_quote = self._open.pop()
            self._count[closed] -= 1
            self._quoted -= is_quote
            self._hidden -= closed in _HIDDEN

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._count["pre"]:
            first, *rest = data.split("\n")
            self._line.append(first)
            for line in rest:
                self._end_line()
                self._line = [line]
        else:
            text = _SPACE.sub(" ", data)
            self._line.append(text if self._line and not self._line[-1].endswith(" ") else text.lstrip(" "))

    def text(self) -> str:
        """What was read."""
        self._break(is_paragraph=False)
        return "\n".join(self._lines).strip("\n")

    def _break(self, *, is_paragraph: bool) -> None:
        if self._line == [_BULLET]:
            return
        if any(part.strip() for part in self._line):
            self._end_line()
        self._line = []
        if is_paragraph and self._lines and self._lines[-1].strip("> "):
            self._end_line()

    def _end_line(self) -> None:
        mark = "> " * min(self._quoted, _MAX_DEPTH)
        self._lines.append(f"{mark}{''.join(self._line)}".replace("\xa0", " ").rstrip())
        self._line = []


def _is_quote(attrs: list[tuple[str, str | None]]) -> bool:
    named = " ".join(value for name, value in attrs if name in ("class", "id") and value)
    return _QUOTES.search(named) is not None
