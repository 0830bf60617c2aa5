"""Fields that hold addresses, taken apart: what stands in angle brackets is the address, all before it the name.

The library's reader takes a piece of a name for the address where an `@` stands in it without quotes, as in
`Ada @ Acme <ada@example.org>`: whoever chooses a name would choose whom the mail is from.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

_ADDRESS = re.compile(r"[^\s@<>,;:()\[\]\"\\\x00-\x1f]{1,64}@[^\s@<>,;:()\[\]\"\\\x00-\x1f]{1,189}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ANGLE = re.compile(r"<[^<>]*(?:>|\Z)")
_COMMA = re.compile(r"[,;]")
_PLAIN = re.compile(r'[^"(<,;]+|.', re.DOTALL)
_IN_COMMENT = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

_Run = tuple[str, str]
"""`plain`, `quoted`, `comment`, `angle` or `comma`, and what stands there."""


def addresses(value: str) -> Iterator[tuple[str, str]]:
    """Names and addresses, in their order. A name with two different addresses is nobody's."""
    for is_comma, runs in groupby(_runs(value), key=lambda run: run[0] == "comma"):
        if not is_comma:
            yield from _of_piece(list(runs))


def is_address(text: str) -> bool:
    """Whether this is an address, and one that can be used."""
    return _ADDRESS.fullmatch(text) is not None


def _of_piece(runs: Sequence[_Run]) -> Iterator[tuple[str, str]]:
    angles = {text.strip() for kind, text in runs if kind == "angle"}
    if len(angles) == 1:
        # Behind the colon stands the address: before it a route, or `mailto`.
        address = angles.pop().rpartition(":")[2]
        if is_address(address):
            yield _name(runs), address
    elif not angles:
        yield from _without_angles(runs)


def _without_angles(runs: Sequence[_Run]) -> Iterator[tuple[str, str]]:
    def found_in(kinds: tuple[str, ...]) -> list[str]:
        return [address for kind, text in runs if kind in kinds for address in _ADDRESS.findall(text)]

    if found := found_in(("plain",)):
        name = " ".join(text for kind, text in runs if kind == "comment")
        yield from ((name, address) for address in found)
    else:
        # For want of anything better.
        yield from (("", address) for address in found_in(("quoted", "comment")))


def _name(runs: Sequence[_Run]) -> str:
    shown = [f"({text})" if kind == "comment" else text for kind, text in runs if kind != "angle"]
    return " ".join("".join(shown).split())


def _runs(value: str) -> Iterator[_Run]:
    """What stands together. What is opened and never closed was not meant so."""
    at = 0
    unclosed: set[str] = set()
    while at < len(value):
        kind, end = ("plain", None) if value[at] in unclosed else _special(value, at)
        if end is None:
            # Looked for once: a thousand of them would take a thousand ways to the end.
            unclosed |= {value[at]} & {'"', "("}
            kind, end = "plain", _end(_PLAIN, value, at)
        assert end is not None
        yield kind, _within(kind, value[at:end])
        at = end


def _special(value: str, at: int) -> tuple[str, int | None]:
    """What begins here and where it ends, if it does."""
    match value[at]:
        case '"':
            return "quoted", _end(_QUOTED, value, at)
        case "(":
            return "comment", _end_of_comment(value, at)
        case "<":
            return "angle", _end(_ANGLE, value, at)
        case _:
            return "comma", _end(_COMMA, value, at)


def _end(pattern: re.Pattern[str], value: str, at: int) -> int | None:
    match = pattern.match(value, at)
    return match.end() if match else None


def _end_of_comment(value: str, at: int) -> int | None:
    """Comments stand in comments."""
    depth = 0
    for match in _IN_COMMENT.finditer(value, at):
        depth += (match[0] == "(") - (match[0] == ")")
        if depth == 0:
            return match.end()
    return None


def _within(kind: str, text: str) -> str:
    match kind:
        case "quoted" | "comment":
            return _ESCAPE.sub(r"\1", text[1:-1])
        case "angle":
            return text.strip("<>")
        case _:
            return text.replace("<", " ").replace(">", " ")
