"""HTML as tags and text, by the rules for tokens of the HTML Standard (section 13.2.5).

In time proportional to its size, whoever wrote it. The standard library's `html.parser` takes quadratic time over
what is not closed (python/cpython#135462), libraries that build a document over what is nested.
"""

import re
from html import unescape
from typing import Protocol

_NAME = r"[^\s/>] [^\s/>=]*+"
_VALUE = r"""(?: "[^"]*+"?+ | '[^']*+'?+ | [^\s>"'][^\s>]*+ )"""
_ATTRIBUTE = rf"{_NAME} (?: \s*+ = \s*+ {_VALUE}?+ )?+"

# Linear: every repetition keeps what it has taken (`*+`), and what begins a tag or a comment is one, whether or
# not it ends; so nothing is read twice.
_TOKEN = re.compile(
    rf"""
      ( (?: [^<]++ | < (?! [a-z/!?] ) )++ )                                # text
    | < (script|style|title) (?= [\s/>] ) (?: [\s/]*+ {_ATTRIBUTE} )*+ (?: \s | /++ (?! > ) )*+
      (?: /++ > | > [^<]*+ (?: < (?! / \2 [\s/>] ) [^<]*+ )*+ )?+          # with all that is in it
    | < (/?+) ([a-z][^\s/>]*+) ( (?: [\s/]*+ {_ATTRIBUTE} )*+ ) ([\s/]*+ >?+)
    | <!-- (?: -?+> | .*? (?: --!?+> | \Z ) )                              # a comment
    | < [!?/] [^>]*+ >?+                                                   # taken for a comment
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE | re.DOTALL,
)
_REFERENCE = re.compile(r"&(?:#[0-9]++;?|#[xX][0-9a-fA-F]++;?|[a-zA-Z][a-zA-Z0-9]{0,40}+(?:;|(?![=a-zA-Z0-9])))")
_NAME_AND_VALUE = re.compile(rf"({_NAME}) (?: \s*+ = \s*+ ({_VALUE}?+) )?", re.VERBOSE | re.ASCII)


class Reader(Protocol):
    """Is told, in their order, what tags and text there are. Names are lower-case."""

    def start(self, name: str, attributes: str) -> None:
        """An element begins. attributes: for `values_of`."""

    def end(self, name: str) -> None:
        """An element ends, whether or not it has begun."""

    def text(self, text: str) -> None:
        """Text, its character references resolved; a run of it may come in pieces."""


def read(html: str, reader: Reader) -> None:
    """Tells a reader what this HTML holds, without comments, scripts, styles and titles. Never raises of itself.

    A tag or a comment that does not end reaches to the end of the HTML, as in a browser. A tag that ends in
    `/>` is a start and an end, as in XHTML.
    """
    for match in _TOKEN.finditer(html):
        text, _, slash, name, attributes, close = match.groups()
        if text:
            reader.text(_unescaped(text))
        elif close is None or not close.endswith(">"):
            continue  # a comment, or a tag that does not end
        elif slash:
            reader.end(name.lower())
        else:
            reader.start(name.lower(), attributes)
            if "/" in close:
                reader.end(name.lower())


def values_of(attributes: str, *names: str) -> list[str]:
    """The values of the attributes with these names."""
    found = _NAME_AND_VALUE.findall(attributes)
    return [_unescaped_value(_unquoted(value)) for name, value in found if name.lower() in names]


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in ("'", '"') else value


def _unescaped_value(value: str) -> str:
    """An attribute's value: `&copy=` in an address is no sign of copyright, it has no semicolon."""
    return _REFERENCE.sub(lambda match: _unescaped(match[0]), value) if "&" in value else value


def _unescaped(text: str) -> str:
    """The text with its character references resolved."""
    if "&" not in text:
        return text
    try:
        return unescape(text)
    except ValueError:  # one has more digits than Python makes a number of
        return text
