"""Whom bytes may be about that nobody can read: so they are found when one of these people is to be forgotten.

Only the beginning is looked at, and only so much is kept: whoever is named first is whom it is about.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from urllib.parse import unquote_plus

_OF_MAIL = 65_536
_OF_CALL = 131_072
_MOST_OF_MAIL = 100
_MOST_OF_CALL = 1000
_LONGEST = 200

_ADDRESS = re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9.-]{1,190}")
_NUMBER = re.compile(r"\+?[0-9]{6,}")
_DIGITS = 15
_VALUE = re.compile(rf'"([^"\\\n]{{1,{_LONGEST}}})"|(?:^|[=&])([^=&\n"]{{1,{_LONGEST}}})(?=&|$)')
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})", re.ASCII)


def named_in_mail(content: bytes) -> tuple[str, ...]:
    """What looks like an address at the beginning, where nobody can tell whose the mail is."""
    text = content[:_OF_MAIL].decode("ascii", errors="ignore")
    return tuple(islice(dict.fromkeys(_ADDRESS.findall(text)), _MOST_OF_MAIL))


def named_in_call(content: bytes) -> tuple[str, ...]:
    """Numbers and addresses, wherever they stand, and whole values: those may be by what somebody is known."""
    text = content[:_OF_CALL].decode("utf-8", errors="replace")
    unescaped = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    texts = dict.fromkeys((unescaped, unquote_plus(unescaped)))
    found = chain.from_iterable(_named(pattern, texts) for pattern in (_NUMBER, _ADDRESS, _VALUE))
    return tuple(islice(dict.fromkeys(found), _MOST_OF_CALL))


def _named(pattern: re.Pattern[str], texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for found in pattern.finditer(text):
            name = next((group for group in found.groups() if group), found[0])
            # What no database holds stands in nobody's identity.
            name = name.replace("\0", "").encode("utf-8", errors="ignore").decode()
            if pattern is _NUMBER and len(name.lstrip("+")) > _DIGITS:
                continue
            if pattern is _NUMBER and not name.startswith("+"):
                yield f"+{name}"
            if name.strip():
                yield name
