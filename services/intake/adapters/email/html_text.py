"""HTML as plain text, for mail that has nothing else: lines, lists, tables, and quotes marked with `>`.

What a mail program quotes stands in a container that it names; its lines get the same mark as quoted plain
text, so that one piece of code cuts both. The container of a signature gets the mark `-- ` (RFC 3676) likewise.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from services.intake.adapters.email import html_tokens
from services.intake.adapters.email.html_lines import Line, Lines, joined_row
from services.intake.adapters.email.html_links import Link, shown_picture
from services.intake.adapters.email.html_styles import PLAIN, Style, style_of

_BREAKS = frozenset(
    {"p", "div", "tr", "table", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "section"}
    | {"article", "header", "footer", "dl", "dt", "dd", "form", "fieldset", "address", "center", "hr", "li"}
    | {"caption", "figure", "figcaption", "main", "nav", "aside", "details", "summary", "td", "th"}
)
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "ul", "ol", "blockquote"})
_UNSEEN = frozenset({"template", "noscript", "object", "svg", "select", "datalist"})
_VOID = frozenset(
    {"br", "hr", "img", "meta", "link", "input", "area", "base", "col", "embed", "source", "track", "wbr"}
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_RULE = "_" * 32
_MAX_CELLS = 20
"""Tables within tables so deep: what is deeper stands line by line."""

_MAX_NUMBER = 999_999


class _Kind(IntEnum):
    QUOTE = 0
    HIDDEN = 1
    SIGNATURE = 2
    PRE = 3
    LINK = 4
    LIST = 5
    ITEM = 6
    TABLE = 7
    ROW = 8
    CELL = 9


@dataclass(slots=True)
class _Frame:
    """What an open element means. depth: how many elements are open with it."""

    kind: _Kind
    depth: int
    cells: list[list[Line]]
    link: Link | None = None
    number: int | None = None
    outer: Lines | None = None


def to_text(html: str) -> str:
    """The text that a reader of this HTML sees, line by line."""
    reader = _Reader()
    html_tokens.read(html, reader)
    return reader.whole()


class _Reader:
    """Collects lines. `_open` are the open elements, `_frames` those of them that mean something."""

    def __init__(self) -> None:
        self._document = Lines()
        self._lines = self._document
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        self._frames: list[_Frame] = []
        self._within = [0] * len(_Kind)
        self._links: list[Link] = []
        self._tight: list[int] = []
        self._drops_newline = False
        self._quotes_rest = False

    def start(self, name: str, attributes: str) -> None:
        self._drops_newline = name == "pre"
        if name in _CLOSES:
            self._close_implied(name)
        style = style_of(attributes) if attributes else PLAIN
        if name in _VOID:
            if not self._within[_Kind.HIDDEN] and not style.is_hidden:
                self._draw(name, attributes)
            return
        if name in _BREAKS:
            self._lines.flush(self._depth)
            if name in _PARAGRAPHS and style.has_margin:
                self._stand_apart(name)
        self._open.append(name)
        self._count[name] += 1
        if name in _MEANT or style is not PLAIN:
            self._start_meant(name, attributes, style)

    def _start_meant(self, name: str, attributes: str, style: Style) -> None:
        if name == "p" and not style.has_margin:
            self._tight.append(len(self._open))
        for kind in _kinds(name, style):
            self._enter(kind, attributes)
        if style.is_ruled and not self._within[_Kind.HIDDEN]:
            self._lines.draw(_RULE, self._depth)
        if style.begins_quote:
            self._lines.flush(self._depth)
            self._quotes_rest = True

    def end(self, name: str) -> None:
        if not self._count[name]:
            return
        is_paragraph = name in _PARAGRAPHS
        if name in _BREAKS:
            self._lines.flush(self._depth)
            is_paragraph = is_paragraph and not (self._tight and self._tight[-1] == len(self._open))
        closed = ""
        while closed != name:
            closed = self._open.pop()
            self._count[closed] -= 1
        depth = len(self._open)
        while self._tight and self._tight[-1] > depth:
            self._tight.pop()
        while self._frames and self._frames[-1].depth > depth:
            self._leave(self._frames.pop())
        if is_paragraph:
            self._stand_apart(name)

    def text(self, text: str) -> None:
        if self._within[_Kind.HIDDEN]:
            return
        if self._within[_Kind.PRE]:
            if self._drops_newline:
                text = text.removeprefix("\r").removeprefix("\n")
            self._lines.add_preformatted(text, self._depth)
        else:
            text = self._lines.add(_SPACE.sub(" ", text))
        self._drops_newline = False
        if self._links:
            self._links[-1].add(text)

    def whole(self) -> str:
        """What was read."""
        self._lines.flush(self._depth)
        while self._frames:
            self._leave(self._frames.pop())
        return self._document.whole()

    @property
    def _depth(self) -> int:
        return self._within[_Kind.QUOTE] + self._quotes_rest

    def _close_implied(self, name: str) -> None:
        """A cell ends where the next one begins, as in browsers; a row, an item and a link too."""
        for kind in _CLOSES[name]:
            if self._frames and self._frames[-1].kind is kind:
                self.end(self._open[self._frames[-1].depth - 1])

    def _enter(self, kind: _Kind, attributes: str) -> None:
        frame = _Frame(kind, len(self._open), [])
        match kind:
            case _Kind.LINK:
                frame.link = Link(next(iter(html_tokens.values_of(attributes, "href")), ""))
                self._links.append(frame.link)
            case _Kind.LIST:
                is_numbered = self._open[-1] == "ol"
                frame.number = _number(attributes, "start", 1) - 1 if is_numbered else None
            case _Kind.ITEM if not self._within[_Kind.HIDDEN]:
                self._lines.begin_item(self._bullet(attributes), self._within[_Kind.LIST])
            case _Kind.CELL if self._within[_Kind.CELL] < _MAX_CELLS:
                frame.outer, self._lines = self._lines, Lines()
            case _Kind.SIGNATURE:
                self._lines.flush(self._depth)
                self._document.begin_signature()
        self._frames.append(frame)
        self._within[kind] += 1

    def _leave(self, frame: _Frame) -> None:
        match frame.kind:
            case _Kind.LINK:
                assert frame.link is not None
                self._links.pop()
                if not self._within[_Kind.HIDDEN]:
                    self._lines.add_behind(frame.link.suffix())
            case _Kind.ITEM:
                self._lines.flush(self._depth)
                self._lines.end_item(self._within[_Kind.LIST] - 1)
            case _Kind.CELL if frame.outer is not None:
                self._lines.flush(self._depth)
                cell, self._lines = self._lines.taken(), frame.outer
                if self._frames and self._frames[-1].kind is _Kind.ROW:
                    self._frames[-1].cells.append(cell)
                else:
                    self._lines.extend(cell)
            case _Kind.ROW:
                self._lines.extend(joined_row(frame.cells))
            case _Kind.SIGNATURE:
                self._lines.flush(self._depth)
                self._document.end_signature()
        self._within[frame.kind] -= 1

    def _bullet(self, attributes: str) -> str:
        innermost = self._frames[-1] if self._frames else None
        if innermost is None or innermost.kind is not _Kind.LIST or innermost.number is None:
            return "- "
        innermost.number = _number(attributes, "value", innermost.number + 1)
        return f"{innermost.number}. "

    def _draw(self, name: str, attributes: str) -> None:
        if name == "br":
            self._lines.end_line(self._depth)
        elif name == "hr":
            self._lines.flush(self._depth)
            self._lines.draw(_RULE, self._depth)
        elif name == "img":
            alt = shown_picture(next(iter(html_tokens.values_of(attributes, "alt")), "")) if attributes else ""
            if alt:
                self._lines.add(alt)
                if self._links:
                    self._links[-1].add(alt)

    def _stand_apart(self, name: str) -> None:
        is_inner_list = name in ("ul", "ol") and self._within[_Kind.LIST]
        if not is_inner_list and not self._lines.has_bullet:
            self._lines.blank(self._depth)


_BY_NAME = {
    "a": _Kind.LINK,
    "ul": _Kind.LIST,
    "ol": _Kind.LIST,
    "li": _Kind.ITEM,
    "pre": _Kind.PRE,
    "table": _Kind.TABLE,
    "tr": _Kind.ROW,
    "td": _Kind.CELL,
    "th": _Kind.CELL,
}
_MEANT = frozenset(_BY_NAME) | _UNSEEN | {"blockquote"}
_CLOSES = {
    "li": (_Kind.ITEM,),
    "a": (_Kind.LINK,),
    "td": (_Kind.CELL,),
    "th": (_Kind.CELL,),
    "tr": (_Kind.CELL, _Kind.ROW),
}


def _kinds(name: str, style: Style) -> Iterator[_Kind]:
    """What an element means, its own meaning first."""
    if name in _BY_NAME:
        yield _BY_NAME[name]
    if style.is_quote or (name == "blockquote" and not style.is_indented):
        yield _Kind.QUOTE
    if style.is_hidden or name in _UNSEEN:
        yield _Kind.HIDDEN
    if style.is_preformatted and name != "pre":
        yield _Kind.PRE
    if style.is_signature:
        yield _Kind.SIGNATURE


def _number(attributes: str, name: str, otherwise: int) -> int:
    value = next(iter(html_tokens.values_of(attributes, name)), "") if attributes else ""
    is_number = value.isascii() and value.isdigit() and len(value) <= 6
    return min(int(value) if is_number else otherwise, _MAX_NUMBER)
