"""Whom bytes may be about that nobody can read: so they are found when one of these people is to be forgotten.

Only the beginning is looked at, and only so much is kept: whoever is named first is whom it is about. It is
looked at where other work waits, and strangers choose what stands there: no pattern reads anything twice.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from urllib.parse import unquote_to_bytes

_BEGINNING = 65_536
_MOST_OF_MAIL = 100
_MOST_OF_CALL = 1000
_LOOKED_AT = 4000
"""So many of a kind are looked at, repeats counted."""

_LONGEST = 200

_ADDRESS = re.compile(r"[\w.+-](?<![\w.+-]{2})[\w.+-]{0,63}@[A-Za-z0-9.-]{1,190}")
_NUMBER = re.compile(r"[+0-9][0-9]{5,}")
_DIGITS = 15
_QUOTED = re.compile(rf'"([^"\\\n]{{1,{_LONGEST}}})"')
_IN_FORM = re.compile(rf'[=&]([^=&\n"]{{1,{_LONGEST}}})(?=&|$)')
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})", re.ASCII)


def named_in_mail(content: bytes) -> tuple[str, ...]:
    """What looks like an address at the beginning, where nobody can tell whose the mail is."""
    text = content[:_BEGINNING].decode("ascii", errors="ignore")
    found = (address[0] for address in islice(_ADDRESS.finditer(text), _LOOKED_AT))
    return tuple(islice(dict.fromkeys(found), _MOST_OF_MAIL))


def named_in_call(content: bytes) -> tuple[str, ...]:
    """Numbers and addresses, wherever they stand, and whole values: those may be by what somebody is known."""
    text = content[:_BEGINNING].decode("utf-8", errors="replace")
    unescaped = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    unquoted = unquote_to_bytes(unescaped.replace("+", " ").encode("utf-8", errors="replace"))
    texts = dict.fromkeys(f"&{text}" for text in (unescaped, unquoted.decode("utf-8", errors="replace")))
    found = chain.from_iterable(_named(pattern, texts) for pattern in (_NUMBER, _ADDRESS, _QUOTED, _IN_FORM))
    return tuple(islice(dict.fromkeys(found), _MOST_OF_CALL))


def _named(pattern: re.Pattern[str], texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        looked_at = islice(pattern.finditer(text), _LOOKED_AT)
        for found in dict.fromkeys(one[pattern.groups] for one in looked_at):
            # What no database holds stands in nobody's identity.
            name = found.replace("\0", "").encode("utf-8", errors="ignore").decode()
            if pattern is _NUMBER and len(name.lstrip("+")) > _DIGITS:
                continue
            if pattern is _NUMBER and not name.startswith("+"):
                yield f"+{name}"
            if name.strip():
                yield name
