"""How many steps a CEL expression may take at most, read off its words when it is written.

The library evaluates without a limit, and lists in lists multiply: `[..].all(a, [..].all(b, ..))`. A step takes
up to about 0.3 µs. What is counted is never less than what is done: an operand counts as often as it is looked
at, `+` what it copies, `map` and `filter` what they have gathered, again at each element.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "filter", "map"})
"""What goes through a list: `list.name(variable, ...)`."""

_GATHER = frozenset({"filter", "map"})
_KNOWN = 100
"""What a documented variable counts as: so many elements, or a text that takes so long to go through."""

_STRING = '""'
_TOKEN = re.compile(
    r"""(?P<gap>\s+|//[^\n]*)"""
    r"""|(?P<string>(?:[bB]?[rR]|[rR][bB])(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"]*"|'[^']*')"""
    r"""|[bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))"""
    r"""|[A-Za-z_]\w*|\d\w*(?:\.\d\w*)?|\S""",
    re.ASCII | re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_LITERAL = re.compile(r'""|\d.*|true|false|null')
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def tokens(source: str) -> list[str]:
    """The words and signs of an expression, its texts empty, without comments."""
    found = (match for match in _TOKEN.finditer(source) if not match["gap"])
    return [_STRING if match["string"] else match[0] for match in found]


def scan(source: str) -> list[str]:
    """The same with its texts as they are written."""
    return [match[0] for match in _TOKEN.finditer(source) if not match["gap"]]


def names_read(source: str, *path: str) -> Iterator[tuple[str, bool]]:
    """Names that an expression reads below a path of fields, as `calendar.office` or `calendar["head-office"]`.

    Each with whether a "-" follows, at which its name was cut.
    """
    words = ["", *scan(source), "", "", ""]
    start = [word for name in path for word in (".", name)][1:]
    for index in range(1, len(words) - len(start) - 2):
        if words[index : index + len(start)] != start or words[index - 1] == ".":
            continue
        sign, name, after = words[index + len(start) : index + len(start) + 3]
        if sign == "." and after != "(":
            yield name, after == "-"
        elif sign == "[" and name[:1] in ("'", '"'):
            yield name.strip("'\""), False


def most_steps(words: Sequence[str]) -> int:
    """How many steps an expression, of which these are the tokens, may take at most.

    Raises ValueError where a macro's variable is not a mere name.
    """
    return _Reader(words).items(None, {})[1]


@dataclass(frozen=True, slots=True)
class _Size:
    """How large a value is at most: its elements, what looking at all of it costs, and at one of its elements."""

    count: int = 0
    weight: int = 0
    item: int = 0

    def joined(self, *others: "_Size") -> "_Size":
        """Of whatever is made of these."""
        all_of_them = (self, *others)
        return _Size(
            sum(one.count for one in all_of_them),
            sum(one.weight for one in all_of_them),
            max(one.item for one in all_of_them),
        )


_NOTHING = _Size()
_ONE = _Size(1, 1, 1)


class _Reader:
    """Goes through the tokens once. Precedence does not matter: what is made of two is no larger than both."""

    def __init__(self, words: Iterable[str]) -> None:
        self._left = list(words)[::-1]

    def items(self, closing: str | None, bound: Mapping[str, int]) -> tuple[list[_Size], int]:
        """What stands between here and a bracket, by commas, and the steps that it takes.

        bound: variables of macros, with the weight of what they stand for
        """
        found: list[_Size] = []
        item = operand = _NOTHING
        steps = 0
        while self._left and (word := self._left.pop()) != closing:
            more = 0
            if word == ",":
                found.append(item.joined(operand))
                item = operand = _NOTHING
            elif word in _CLOSING:
                inside, more = self.items(_CLOSING[word], bound)
                is_list = word == "{" or (word == "[" and operand is _NOTHING)
                operand = operand.joined(*([_list_of(inside)] if is_list else inside))
            elif word == "." and operand is not _NOTHING:
                name = self._left.pop()
                if name in MACROS and self._next() == "(":
                    operand, more = self._macro(name, operand, bound)
            elif word != "in" and (_LITERAL.fullmatch(word) or _WORD.fullmatch(word)):
                leaf = self._leaf(word, bound)
                operand, more = operand.joined(leaf), leaf.weight
            else:
                item, operand = item.joined(operand), _NOTHING
                more = item.weight if word == "+" else 0
            steps += more
        last = item.joined(operand)
        return ([*found, last] if last.weight else found), steps

    def _macro(self, name: str, of: _Size, bound: Mapping[str, int]) -> tuple[_Size, int]:
        self._left.pop()
        variable = self._left.pop()
        if not _WORD.fullmatch(variable) or self._next() != ",":
            raise ValueError(f"what {name!r} calls the elements must be a name")
        inside, each = self.items(")", {**bound, variable: of.item})
        body = _NOTHING.joined(*inside)
        steps = of.count * (each + 1)
        if name in _GATHER:
            gathered = body.weight if name == "map" else of.item
            steps += of.count**2 * max(gathered, 1) // 2
        if name == "map":
            return _Size(of.count, 1 + of.count * body.weight, body.weight), steps
        return (of if name == "filter" else _ONE), steps

    def _leaf(self, word: str, bound: Mapping[str, int]) -> _Size:
        if word in bound:
            return _Size(bound[word], bound[word], bound[word])
        if _LITERAL.fullmatch(word) or self._next() == "(":
            return _ONE
        return _Size(_KNOWN, _KNOWN, 1)

    def _next(self) -> str | None:
        return self._left[-1] if self._left else None


def _list_of(items: Sequence[_Size]) -> _Size:
    return _Size(len(items), 1 + sum(one.weight for one in items), max((one.weight for one in items), default=1))
