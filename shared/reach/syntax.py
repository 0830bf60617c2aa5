"""Reads a CEL condition as far as it is understood; what is not stands as `Opaque`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.condition_steps import scan

Literal = str | int | float | bool | None

_NUMBER = re.compile(r"\d+(\.\d+)?")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLAIN_TEXT = re.compile(r"\"[^\"\\]*\"|'[^'\\]*'")
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_PAIRS = frozenset({"==", "!=", "<=", ">=", "&&", "||"})
_ARITHMETIC = frozenset("+-*/%")
_DEEPEST = 40
_LARGEST = 2**53
"""Beyond it a whole number may not be what a double can say."""
_NOTHING = ""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that is not understood: it may hold, not hold, or fail."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    value: Literal


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of literals."""

    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its path, such as `ticket.labels.product`."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """Whether a field is there."""

    field: Field


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison; `in` has the list or the map on its right side."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Not:
    """A negation."""

    inner: "Node"


@dataclass(frozen=True, slots=True)
class All:
    """A conjunction."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """A disjunction."""

    parts: tuple["Node", ...]


Node = Opaque | Constant | Listed | Field | Has | Compared | Not | All | Either
OPAQUE = Opaque()


class _Beyond(Exception):
    """The expression is outside of what is read here."""


def parse(source: str) -> Node:
    """What a condition says. One that is outside of what is read here is opaque as a whole."""
    try:
        reader = _Reader(_joined(scan(source)))
        node = reader.choice()
        return OPAQUE if reader.word() else node
    except _Beyond:
        return OPAQUE


def _joined(words: Sequence[str]) -> list[str]:
    """Words, with signs of two characters as one."""
    found: list[str] = []
    for word in words:
        if found and found[-1] + word in _PAIRS:
            found[-1] += word
        else:
            found.append(word)
    return found


class _Reader:
    """Recursive descent, one method for each level of precedence."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._at = 0
        self._depth = 0

    def word(self) -> str:
        """The next word, or nothing at the end."""
        return self._words[self._at] if self._at < len(self._words) else _NOTHING

    def choice(self) -> Node:
        """`a ? b : c` is passed over, anything else is a disjunction."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Beyond
        node = self._either()
        if self._takes("?"):
            self._either()
            self._needs(":")
            self.choice()
            node = OPAQUE
        self._depth -= 1
        return node

    def _either(self) -> Node:
        parts = [self._all()]
        while self._takes("||"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self) -> Node:
        parts = [self._comparison()]
        while self._takes("&&"):
            parts.append(self._comparison())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _comparison(self) -> Node:
        left = self._sum()
        while (operator := self.word()) in _COMPARISONS:
            self._at += 1
            left = Compared(operator, left, self._sum())
        return left

    def _sum(self) -> Node:
        node = self._unary()
        while self.word() in _ARITHMETIC and self.word():
            self._at += 1
            self._unary()
            node = OPAQUE
        return node

    def _unary(self) -> Node:
        negations = 0
        while self._takes("!"):
            negations += 1
        minuses = 0
        while self._takes("-"):
            minuses += 1
        node = self._member()
        if minuses:
            node = _negative(node) if minuses == 1 else OPAQUE
        return Not(node) if negations % 2 else node

    def _member(self) -> Node:
        node = self._primary()
        while (sign := self.word()) in (".", "["):
            self._at += 1
            if sign == ".":
                name = self._name()
                if self._takes("("):
                    self._items(")")
                    node = OPAQUE
                else:
                    node = Field((*node.path, name)) if isinstance(node, Field) else OPAQUE
            else:
                inside = self.choice()
                self._needs("]")
                is_key = isinstance(node, Field) and isinstance(inside, Constant) and isinstance(inside.value, str)
                node = Field((*node.path, inside.value)) if is_key else OPAQUE  # type: ignore[union-attr, arg-type] # `is_key`
        return node

    def _primary(self) -> Node:
        word = self.word()
        self._at += 1
        if word == "(":
            node = self.choice()
            self._needs(")")
            return node
        if word == "[":
            items = self._items("]")
            values = tuple(item.value for item in items if isinstance(item, Constant))
            return Listed(values) if len(values) == len(items) else OPAQUE
        if word in ("true", "false", "null"):
            return Constant({"true": True, "false": False, "null": None}[word])
        if _NAME.fullmatch(word):
            return self._called(word) if self._takes("(") else Field((word,))
        return _literal(word)

    def _called(self, name: str) -> Node:
        items = self._items(")")
        if name == "has" and len(items) == 1 and isinstance(items[0], Field):
            return Has(items[0])
        return OPAQUE

    def _items(self, closing: str) -> list[Node]:
        found: list[Node] = []
        while not self._takes(closing):
            found.append(self.choice())
            if self.word() != closing:
                self._needs(",")
        return found

    def _name(self) -> str:
        word = self.word()
        if not _NAME.fullmatch(word):
            raise _Beyond
        self._at += 1
        return word

    def _takes(self, wanted: str) -> bool:
        if self.word() != wanted:
            return False
        self._at += 1
        return True

    def _needs(self, wanted: str) -> None:
        if not self._takes(wanted):
            raise _Beyond


def _literal(word: str) -> Node:
    """A number or a text without escapes; other literals are opaque."""
    if _PLAIN_TEXT.fullmatch(word) and not word.startswith(('"""', "'''")):
        return Constant(word[1:-1])
    if word[-1:] in ('"', "'"):
        return OPAQUE
    if not _NUMBER.fullmatch(word):
        raise _Beyond
    value = float(word) if "." in word else int(word)
    return Constant(value) if value <= _LARGEST else OPAQUE


def _negative(node: Node) -> Node:
    if isinstance(node, Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return Constant(-node.value)
    return OPAQUE
