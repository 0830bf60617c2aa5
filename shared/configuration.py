"""What the parts of a configuration have in common when they are checked."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice

from shared.errors import InvalidInput

Problem = tuple[str, str]
"""JSON pointer, what is wrong there."""

_MOST_TOLD = 500
_MOST_COMPARED = 500


def repeated(pointer: str, names: Sequence[str], key: str = "id") -> Iterator[Problem]:
    """A problem for each name that stands twice in a list of named things; `key` is where they have it."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield f"{pointer}/{index}/{key}", f"{name} stands twice"
        seen.add(name)


def names_of(names: Iterable[str]) -> Collection[str]:
    """These names in their order, among which one is found at once: thousands of agents name hundreds of them."""
    return dict.fromkeys(names).keys()


def unknown(pointer: str, names: Iterable[str], known: Collection[str], what: str) -> Iterator[Problem]:
    """A problem for each name that refers to nothing. known: `names_of` them where they are asked for often"""
    for name in names:
        if name not in known:
            near = closest(name, known)
            yield pointer, f"there is no {what} {name}{f'; did you mean {near}?' if near else ''}"


def closest(name: str, known: Collection[str]) -> str | None:
    """The name that was probably meant; of very many names that is not asked."""
    return next(iter(get_close_matches(name, known, n=1)), None) if len(known) <= _MOST_COMPARED else None


def refuse(found: Iterable[Problem]) -> None:
    """Raises InvalidInput with what is wrong, if anything is: all of it, up to a number that nobody reads."""
    if problems := tuple(islice(found, _MOST_TOLD)):
        raise InvalidInput("The configuration breaks rules.", problems=problems)
