"""What the parts of a configuration have in common when they are checked."""

from collections.abc import Iterator, Sequence

Problem = tuple[str, str]
"""JSON pointer, what is wrong there."""


def repeated(pointer: str, names: Sequence[str], key: str = "id") -> Iterator[Problem]:
    """A problem for each name that stands twice in a list of named things; `key` is where they have it."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield f"{pointer}/{index}/{key}", f"{name} stands twice"
        seen.add(name)


def unknown(pointer: str, names: Sequence[str], known: Sequence[str], what: str) -> Iterator[Problem]:
    """A problem for each name that refers to nothing."""
    for name in names:
        if name not in known:
            yield pointer, f"there is no {what} {name}"
