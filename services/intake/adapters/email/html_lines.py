"""The lines of a text that is being read from HTML, with their spaces, blank lines and marks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MAX_QUOTES = 20
_MAX_INDENT = 10
_MAX_BLANK = 2
_MAX_ROW = 1_000
_BETWEEN_CELLS = " | "
_INVISIBLE = " \xa0\t\u00ad\u034f\u200b\u200c\u200d\u200e\u200f\u2007\u2060\ufeff"
SIGNATURE_MARK = "-- "


@dataclass(frozen=True, slots=True)
class Line:
    """One line. depth: in so many quotes; drawn: a rule, which nobody has written."""

    depth: int
    text: str
    is_drawn: bool = False


class Lines:
    """Lines and the one that is being written."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._line: list[str] = []
        self._bullet: str | None = None
        self._indent = 0
        self._signature: int | None = None
        self._is_in_signature = False
        self._blanks = 0

    @property
    def has_bullet(self) -> bool:
        """Whether an item of a list has begun and says nothing yet."""
        return self._bullet is not None

    def add(self, text: str) -> str:
        """Writes on, with one space where there are several; what was written is the answer."""
        if not self._line or self._line[-1].endswith(" "):
            text = text.lstrip(" ")
        if text:
            self._line.append(text)
        return text

    def add_preformatted(self, text: str, depth: int) -> None:
        """Writes on with every space and line break."""
        first, *rest = text.split("\n")
        if first:
            self._line.append(first)
        for line in rest:
            self.end_line(depth)
            if line:
                self._line.append(line)

    def add_behind(self, text: str) -> None:
        """Writes behind what was written last, though its line may have ended."""
        if self._line and any(piece.strip(_INVISIBLE) for piece in self._line):
            self._line[-1] = self._line[-1].rstrip(" ")
            self._line.append(text)
        elif text and self._lines and self._lines[-1].text:
            last = self._lines[-1]
            self._lines[-1] = Line(last.depth, last.text + text)

    def begin_item(self, bullet: str, level: int) -> None:
        """The next line is an item's first."""
        self._bullet, self._indent = bullet, min(max(level, 1), _MAX_INDENT)

    def end_item(self, level: int) -> None:
        """An item ends; level: of the list around it."""
        self._bullet, self._indent = None, min(max(level, 0), _MAX_INDENT)

    def flush(self, depth: int) -> None:
        """Ends the line where something stands in it."""
        if not self._line:
            return
        if "".join(self._line).strip(_INVISIBLE):
            self.end_line(depth)
        else:
            is_meant = any("\xa0" in piece for piece in self._line)
            self._line = []
            if is_meant and self._bullet is None:
                self.blank(depth)

    def end_line(self, depth: int) -> None:
        """Ends the line, even an empty one."""
        text = "".join(self._line).replace("\xa0", " ").rstrip()
        self._line = []
        if not text.strip(_INVISIBLE):
            self._append(Line(depth, ""))
            return
        if self._bullet is not None:
            text = f"{'  ' * (self._indent - 1)}{self._bullet}{text.lstrip()}"
            self._bullet = None
        elif self._indent:
            text = "  " * self._indent + text
        self._append(Line(depth, text))

    def blank(self, depth: int) -> None:
        """A blank line, unless there is one."""
        if self._lines and self._lines[-1].text:
            self._append(Line(depth, ""))

    def draw(self, text: str, depth: int) -> None:
        """A line that nobody has written."""
        self._append(Line(depth, text, is_drawn=True))

    def extend(self, lines: Iterable[Line]) -> None:
        """Lines that were written elsewhere."""
        for line in lines:
            self._append(line)

    def taken(self) -> list[Line]:
        """All lines, without blank ones around them."""
        first, last = 0, len(self._lines)
        while first < last and not self._lines[first].text:
            first += 1
        while last > first and not self._lines[last - 1].text:
            last -= 1
        return self._lines[first:last]

    def begin_signature(self) -> None:
        """What follows is a signature."""
        if self._signature is None:
            self._signature = len(self._lines)
        self._is_in_signature = True

    def end_signature(self) -> None:
        """The signature is complete; whatever is written below it shows that it was none."""
        self._is_in_signature = False

    def whole(self) -> str:
        """All of it as text."""
        lines = self._lines[: len(self._lines) - self._blanks]
        if self._signature is not None and _needs_mark(lines, self._signature):
            lines = [*lines[: self._signature], Line(0, SIGNATURE_MARK.rstrip()), *lines[self._signature :]]
        marks = ("> " * min(depth, _MAX_QUOTES) for depth in _depths(lines))
        return "\n".join(f"{mark}{it.text}".rstrip() for mark, it in zip(marks, lines, strict=True)).strip("\n")

    def _append(self, line: Line) -> None:
        if not line.text and (self._blanks >= _MAX_BLANK or not self._lines):
            return
        self._blanks = 0 if line.text else self._blanks + 1
        is_own = line.text and not line.depth and not line.is_drawn
        if is_own and self._signature is not None and not self._is_in_signature:
            self._signature = None
        self._lines.append(line)


def joined_row(cells: Sequence[Sequence[Line]]) -> list[Line]:
    """A table's row: on one line where each of its cells is, else cell below cell, and apart from the next."""
    filled = [cell for cell in cells if cell]
    if len(filled) > 1 and all(len(cell) == 1 and cell[0].depth == filled[0][0].depth for cell in filled):
        text = _BETWEEN_CELLS.join(cell[0].text for cell in filled)
        if len(text) <= _MAX_ROW:
            return [Line(filled[0][0].depth, text)]
    lines = [line for cell in filled for line in cell]
    return [*lines, Line(lines[-1].depth, "")] if len(lines) > 1 else lines


def _depths(lines: Sequence[Line]) -> list[int]:
    """In so many quotes each line stands; a blank one as its shallower neighbour."""
    depths = [line.depth for line in lines]
    for step, ahead in ((range(1, len(lines)), -1), (range(len(lines) - 2, -1, -1), 1)):
        for index in step:
            if not lines[index].text:
                depths[index] = min(depths[index], depths[index + ahead])
    return depths


def _needs_mark(lines: Sequence[Line], at: int) -> bool:
    below = next((line.text for line in lines[at:] if line.text), "--")
    above = next((line.text for line in reversed(lines[:at]) if line.text), "")
    return below != "--" and above != "--"
