"""What does not fit the model of a file, in plain words and by its place in the file."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pydantic_core import ErrorDetails

Key = str | int
Place = tuple[Key, ...]
Form = list[ErrorDetails]

_NAMES = {"missing": "is missing", "extra_forbidden": "is not known"}
_TOLD = {**_NAMES, "tuple_type": "should be a list", "dict_type": "should have fields of its own"}
_OTHER_KINDS = ("string_type", "model_type", "dict_type")
_ENDINGS = ("too_short", "too_long")


def in_words(problems: Sequence[ErrorDetails]) -> Iterator[tuple[Place, str]]:
    """Each problem once. Of several forms that a value may have, the one that is meant counts."""
    by_form: dict[Place, dict[Key, Form]] = defaultdict(lambda: defaultdict(list))
    for problem in problems:
        place = problem["loc"]
        # Items that do not fit are not counted: that there are too few is then no news.
        if problem["type"] in _ENDINGS and any(_is_below(other["loc"], place) for other in problems):
            continue
        forms = [index for index, key in enumerate(place) if _is_form(key)]
        if forms:
            by_form[place[: forms[0]]][place[forms[0]]].append(problem)
        else:
            yield _told(problem)
    for place, forms_of in by_form.items():
        yield from _of_the_form_that_is_meant(place, forms_of)


def _of_the_form_that_is_meant(place: Place, forms: Mapping[Key, Form]) -> Iterator[tuple[Place, str]]:
    """One of the value's kind that has the names that were written; if several, into which it leads furthest."""
    alike = {key: form for key, form in forms.items() if not any(_is_other_kind(one, place) for one in form)}
    forms = alike or forms
    depth = len(place) + 2
    strangers = {key: sum(_is_stranger(problem, depth) for problem in form) for key, form in forms.items()}
    fewest = min(strangers.values())
    if fewest and "steps" in place:
        yield place, "is none of wait, requeue, raise_priority, notify, repeat"
        return
    close = [form for key, form in forms.items() if strangers[key] == fewest]
    furthest = max(_reach(form) for form in close)
    meant = [form for form in close if _reach(form) == furthest]
    if len(meant) == 1:
        yield from map(_told, meant[0])
    else:
        yield place, ", or ".join(dict.fromkeys(_told(form[0])[1] for form in meant))


def _told(problem: ErrorDetails) -> tuple[Place, str]:
    text = _TOLD.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    return tuple(key for key in problem["loc"] if not _is_form(key)), text[:1].lower() + text[1:]


def _is_other_kind(problem: ErrorDetails, place: Place) -> bool:
    """A text where the form has fields, or the other way round."""
    return problem["type"] in _OTHER_KINDS and len(problem["loc"]) == len(place) + 1


def _is_stranger(problem: ErrorDetails, depth: int) -> bool:
    """A name that the form itself does not have, or lacks; what is wrong further in says nothing of the form."""
    return problem["type"] in _NAMES and len(problem["loc"]) == depth


def _reach(form: Form) -> int:
    return max(len(problem["loc"]) for problem in form)


def _is_below(place: Place, other: Place) -> bool:
    return len(place) > len(other) and place[: len(other)] == other


def _is_form(key: Key) -> bool:
    """Pydantic names the form that it tried, as `WaitStep` or `tuple[...]`; a file does not."""
    return isinstance(key, str) and (key[:1].isupper() or "[" in key or key == "constrained-str")
