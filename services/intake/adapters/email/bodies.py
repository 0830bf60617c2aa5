"""Which of a mail's parts are its text, and what stands for it where there is none."""

from dataclasses import dataclass
from html import escape

from services.intake.adapters.email.html_text import to_text

MAX_TEXT = 500_000
ENCRYPTED = "This mail is encrypted. What it says is in the attached file, which its recipient can open."
SEALED = "This mail is signed in a way that wraps its text. What it says is in the attached file."
_MAX_EXCUSE = 500


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of the body, in one or two forms."""

    plain: str | None
    html: str | None


def alternatives(forms: list[Piece]) -> Piece:
    """The forms of one content as one piece; what only says that it cannot be read as plain text is left out."""
    plain = "\n".join(form.plain for form in forms if form.plain)
    html = "\n".join(form.html for form in forms if form.html)
    if html and plain and _is_excuse(plain, html):
        plain = ""
    return Piece(plain or None, html or None)


def body(pieces: list[Piece], *, otherwise: str) -> tuple[str, str | None]:
    """Plain text, where a piece has some that says anything, and HTML where any piece has.

    otherwise: the text where no piece says anything
    """
    texts = [piece.plain if piece.plain and piece.plain.strip() else to_text(piece.html or "") for piece in pieces]
    text = "\n".join(text for text in texts if text.strip())[:MAX_TEXT] or otherwise[:MAX_TEXT]
    if not any(piece.html for piece in pieces):
        return text, None
    html = "\n".join(piece.html or f"<pre>{escape(piece.plain or '')}</pre>" for piece in pieces)
    return text, html if len(html) <= MAX_TEXT else None


def _is_excuse(plain: str, html: str) -> bool:
    """Whether plain text only tells that the mail is HTML: `Your mail program does not support HTML.`"""
    words = plain.strip()
    if len(words) > _MAX_EXCUSE or "html" not in words.lower():
        return False
    return _letters(words) not in _letters(to_text(html[:MAX_TEXT]))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
