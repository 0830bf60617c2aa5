"""Which words a text is found by, in any language.

Case, width and Latin accents make no difference. Scripts that put no spaces between words are cut into single
characters and pairs of neighbours: a search for two or more of them asks for the pairs.
"""

import re
import unicodedata

MAX_TEXT = 100_000
MAX_WORD = 60

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff"  # Japanese syllables
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U00020000-\U0003ffff"
)
_MARKS = "\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0dff\u0f18-\u0fbc"
"""Vowel signs and the like, which belong to a word and which `\\w` leaves out."""

_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}](?:[^\W_{_UNSPACED}]|[{_MARKS}])*")
_ASCII_WORD = re.compile("[a-z0-9]+")
_FIRST_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_ACCENTS = dict.fromkeys(range(768, 880))


def words_of(*texts: str) -> set[str]:
    """The words that texts are found by. None is empty, or has a space in it."""
    found: set[str] = set()
    for text in texts:
        if text.isascii():
            found.update(word[:MAX_WORD] for word in _ASCII_WORD.findall(text[:MAX_TEXT].lower()))
            continue
        for word in _WORD.findall(plain(text[:MAX_TEXT])):
            if _FIRST_UNSPACED.match(word):
                found.update(word)
                found.update(_pairs(word))
            else:
                found.add(word[:MAX_WORD])
    return found


def words_to_find(query: str) -> set[str]:
    """The words that a text must have, all of them, to be what a query asks for."""
    wanted: set[str] = set()
    for word in _WORD.findall(plain(query)):
        if _FIRST_UNSPACED.match(word) and len(word) > 1:
            wanted.update(_pairs(word))
        else:
            wanted.add(word[:MAX_WORD])
    return wanted


def _pairs(word: str) -> list[str]:
    return [word[at : at + 2] for at in range(len(word) - 1)]


def plain(text: str) -> str:
    """The text without what makes no difference when it is compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", text).translate(_ACCENTS).casefold())
