"""Lists of words and phrases that rules look for in a request, in any language.

Case, width and Latin accents make no difference. A phrase stands where its words follow each other; in scripts
without spaces, where its characters do.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

from services.intake.domain.search import plain

MAX_TEXT = 20_000
"""Characters of a request that are looked at."""

Pair = tuple[str, str]

_WORD = re.compile(r"\w+")
_LETTERS_WITH_SPACES = re.compile(r"[\w\s]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class WordList:
    """A list, ready to look for.

    words: single ones; phrases: more than one word, each between spaces, and which words are neighbours in it;
    pieces: of scripts without spaces, and which characters are neighbours in them
    """

    words: frozenset[str]
    phrases: tuple[tuple[str, frozenset[Pair]], ...]
    pieces: tuple[tuple[str, frozenset[Pair]], ...]


def word_list(entries: Collection[str]) -> WordList:
    """The list of these words and phrases."""
    words, phrases, pieces = set(), set(), set()
    for entry in entries:
        said = _WORD.findall(plain(entry))
        if not said:
            continue
        if not _LETTERS_WITH_SPACES.fullmatch(" ".join(said)):
            pieces.add(" ".join(said))
        elif len(said) == 1:
            words.add(said[0])
        else:
            phrases.add(f" {' '.join(said)} ")
    return WordList(
        words=frozenset(words),
        phrases=tuple((phrase, frozenset(pairwise(phrase.split()))) for phrase in sorted(phrases)),
        pieces=tuple((piece, frozenset(pairwise(piece))) for piece in sorted(pieces)),
    )


def found_in(lists: Mapping[str, WordList], *texts: str) -> dict[str, int]:
    """How many entries of each list stand in these texts."""
    if not lists:
        return {}
    said = _WORD.findall(plain("\n".join(texts)[:MAX_TEXT]))
    words, line = set(said), f" {' '.join(said)} "
    neighbours, characters = set(pairwise(said)), set(pairwise(line))
    # To look for an entry's neighbours costs nothing beside a search through the text, which few entries need.
    return {
        name: len(entries.words & words)
        + sum(pairs <= neighbours and phrase in line for phrase, pairs in entries.phrases)
        + sum(pairs <= characters and piece in line for piece, pairs in entries.pieces)
        for name, entries in lists.items()
    }
