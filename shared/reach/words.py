"""Findings about ordered conditions as a colleague would say them: what is wrong, and what to do."""

from collections.abc import Iterator, Sequence

from shared.configuration import closest
from shared.reach.conditions import ORDERING, comparisons_in
from shared.reach.order import Finding, Kind
from shared.reach.syntax import Literal, parse
from shared.reach.vocabulary import Flag, Number, Text, Vocabulary, fits
from shared.reach.vocabulary import Kind as FieldKind

_MOST_NAMED = 5


def in_words(finding: Finding, names: Sequence[str], what: str) -> str:
    """A finding as a sentence. names: of all that the conditions belong to; what: such a thing is called"""
    match finding.kind:
        case Kind.NEVER:
            about = f"what it asks of {listed(finding.fields)}" if finding.fields else "what it asks"
            return f"can never hold: {about} contradicts itself; correct it, or remove the {what}"
        case Kind.ALWAYS:
            return f"always holds, so that nothing after it ever decides: move the {what} to the end or narrow it"
        case Kind.SHADOWED:
            first = [names[index] for index in finding.by]
            is_one = len(first) == 1
            who = f"{what} {first[0]}" if is_one else f"one of {listed(first)}"
            return (
                f"never decides: whenever it holds, {who} before it holds too; move it up,"
                f" narrow {'that one' if is_one else 'those'}, or remove it"
            )


def impossible_literals(condition: str, vocabulary: Vocabulary) -> Iterator[str]:
    """A sentence for each literal that what it is compared with can never be."""
    for compared in comparisons_in(parse(condition), vocabulary):
        name = ".".join(compared.path)
        for value in compared.strangers:
            if compared.operator not in ORDERING or not fits(compared.kind, value):
                yield f"{name} is never {_shown(value)}: {_possible(compared.kind, value)}"


def listed(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """Names in a sentence, the first few of them."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _possible(kind: FieldKind, value: Literal) -> str:
    match kind:
        case Text(values=values) if values:
            near = closest(str(value), sorted(values))
            return f"did you mean {_shown(near)}?" if near else f"it is one of {listed(sorted(values), most=20)}"
        case Text():
            return f"it is a text; did you mean {_shown(str(value))}?"
        case Number(least=least, most=most):
            return f"it is a number from {least} to {most}"
        case Flag():
            return "it is true or false"


def _shown(value: Literal) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)
