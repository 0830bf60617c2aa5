"""Whether a page or JSON is wanted, by `Accept` (RFC 9110, section 12.5.1)."""

from collections.abc import Mapping

_HTML = ("text/html", "text/*", "*/*")
_JSON = ("application/json", "application/*", "*/*")
"""The most specific range first: it says how much a media type is wanted."""


def prefers_html(accept: str) -> bool:
    """Whether a page is wanted more than JSON, as by browsers; JSON is for who does not mind."""
    wanted = dict(map(_range, accept.split(",")))
    return _quality(wanted, _HTML) > _quality(wanted, _JSON)


def _quality(wanted: Mapping[str, float], ranges: tuple[str, ...]) -> float:
    return next((wanted[each] for each in ranges if each in wanted), 0.0)


def _range(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_type, _number(value)
    return media_type, 1.0


def _number(text: str) -> float:
    """A weight; what is none is not wanted."""
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
