"""JSON, read strictly: what a lenient parser guesses at is refused.

Refused are: anything but UTF-8, a byte order mark, repeated names, NaN and infinities, numbers that overflow,
NUL and lone surrogates anywhere, nesting deeper than 64. (RFC 8259; RFC 7493, I-JSON.)
"""

import json
import math
import re
from typing import NoReturn

_MAX_DEPTH = 64
_BAD_TEXT = re.compile("[\0\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def loads(body: bytes, *, replaces: bool = False) -> Json:
    """The value of a JSON text. Raises ValueError saying what is wrong, without quoting it.

    replaces: puts a replacement character for NUL and lone surrogates, which nobody can store
    """
    if body.startswith(b"\xef\xbb\xbf"):
        raise ValueError("byte order mark")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at position {error.pos}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if replaces:
        return _replaced(value, 0)
    _check(value, 0)
    return value


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return result


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


# Made once: `json.loads` with these would make a decoder for every body.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_number)


def _check(value: Json, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check(item, depth + 1)


def _check_text(text: str) -> None:
    if _BAD_TEXT.search(text):
        raise ValueError("NUL or a lone surrogate in a text")


def _replaced(value: Json, depth: int) -> Json:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return _BAD_TEXT.sub(_REPLACEMENT, value)
    if isinstance(value, list):
        return [_replaced(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_BAD_TEXT.sub(_REPLACEMENT, name): _replaced(item, depth + 1) for name, item in value.items()}
    return value
