"""How links and pictures of HTML are written in plain text."""

from dataclasses import dataclass, field
from urllib.parse import unquote

_MAX_URL = 500
_MAX_KEPT = 600
_MAX_ALT = 200
_WEB = ("http://", "https://", "ftp://")
_BARE = ("mailto:", "tel:", "sms:")


@dataclass(slots=True)
class Link:
    """A link that is open, and what stands in it so far."""

    target: str
    _pieces: list[str] = field(default_factory=list)
    _length: int = 0

    def add(self, text: str) -> None:
        """More of what stands in it."""
        if self._length < _MAX_KEPT:
            self._pieces.append(text)
            self._length += len(text)

    def suffix(self) -> str:
        """What to write behind it: where it leads, unless it says so itself."""
        shown = "".join(self._pieces).strip()
        target = shown_target(self.target)
        if not shown or not target or _compared(target) == _compared(shown):
            return ""
        return f" ({target})"


def shown_target(href: str) -> str:
    """An address that a person could use; empty for what only a program can."""
    target = "".join(href.split())
    lowered = target.lower()
    if len(target) > _MAX_URL:
        return ""
    for scheme in _BARE:
        if lowered.startswith(scheme):
            return unquote(target[len(scheme) :].partition("?")[0])
    return target if lowered.startswith(_WEB) else ""


def shown_picture(alt: str) -> str:
    """A picture as its description; an emoji as itself."""
    words = " ".join(alt.split())[:_MAX_ALT]
    return f"[{words}]" if any(sign.isalnum() for sign in words) else words


def _compared(text: str) -> str:
    lowered = text.strip(" <>()[]").casefold()
    for scheme in (*_WEB, *_BARE):
        lowered = lowered.removeprefix(scheme)
    return "".join(lowered.removeprefix("www.").rstrip("/").split())
