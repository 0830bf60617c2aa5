"""What Waypost itself writes to a visitor by mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A message of a conversation. who: the visitor, where it is none."""

    at: datetime
    who: str | None
    text: str


@dataclass(frozen=True, slots=True)
class _Texts:
    transcript: str
    you: str
    missed: str


_BY_LANGUAGE = {
    "en": _Texts(
        "This is your chat with us. Times are UTC.",
        "You",
        "You left the chat before we could answer. We are sorry; we have your message and answer by mail.",
    ),
    "de": _Texts(
        "Dies ist Ihr Chat mit uns. Zeiten in UTC.",
        "Sie",
        "Sie haben den Chat verlassen, bevor wir antworten konnten. Das tut uns leid; Ihre Nachricht liegt"
        " uns vor, und wir antworten per E-Mail.",
    ),
    "fr": _Texts(
        "Voici votre discussion avec nous. Heures en UTC.",
        "Vous",
        "Vous avez quitté la discussion avant notre réponse. Nous en sommes désolés ; nous avons bien votre"
        " message et vous répondrons par e-mail.",
    ),
    "es": _Texts(
        "Esta es su conversación con nosotros. Horas en UTC.",
        "Usted",
        "Salió del chat antes de que pudiéramos responder. Lo sentimos; tenemos su mensaje y le"
        " responderemos por correo.",
    ),
}


def transcript(lines: Sequence[Line], language: str | None) -> str:
    """The conversation as plain text."""
    texts = _texts(language)
    shown = [f"[{line.at:%Y-%m-%d %H:%M}] {line.who or texts.you}: {line.text}" for line in lines]
    return "\n\n".join([texts.transcript, *shown])


def missed(language: str | None) -> str:
    """To somebody who has left before anybody answered. It quotes nothing: nobody vouches for the address."""
    return _texts(language).missed


def _texts(language: str | None) -> _Texts:
    return _BY_LANGUAGE.get((language or "en").partition("-")[0].lower(), _BY_LANGUAGE["en"])
