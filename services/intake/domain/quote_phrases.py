"""How mail programs announce what they quote, by language. To speak another language, add a row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """One language's announcements.

    attribution: the line before a quote, as opening word and rest: `On` ... `wrote:`
    original, forwarded: what stands between the dashes of a divider
    fields: names of the header lines that are repeated, the sender's first
    """

    attribution: tuple[tuple[str, str], ...]
    original: tuple[str, ...]
    forwarded: tuple[str, ...]
    sender: tuple[str, ...]
    fields: tuple[str, ...]


PHRASES: Mapping[str, Phrases] = {
    "en": Phrases(
        attribution=(("On", r"wrote"),),
        original=("Original Message", "Reply message", "Original Appointment"),
        forwarded=("Forwarded message", "Forwarded Message", "Begin forwarded message"),
        sender=("From",),
        fields=("Sent", "Date", "To", "Cc", "Bcc", "Subject", "Reply-To", "Importance"),
    ),
    "de": Phrases(
        attribution=(("Am", r"schrieb(?: .{1,200})?"), ("Von", r"schrieb")),
        original=("Ursprüngliche Nachricht", "Originalnachricht", "Ursprünglicher Termin"),
        forwarded=("Weitergeleitete Nachricht", "Anfang der weitergeleiteten Nachricht"),
        sender=("Von",),
        fields=("Gesendet", "Datum", "An", "Cc", "Bcc", "Betreff", "Antwort an", "Wichtigkeit"),
    ),
    "es": Phrases(
        attribution=(("El", r"escribió"),),
        original=("Mensaje original", "Cita original"),
        forwarded=("Mensaje reenviado", "Forwarded message", "Inicio del mensaje reenviado"),
        sender=("De",),
        fields=("Enviado", "Enviado el", "Fecha", "Para", "CC", "CCO", "Asunto", "Responder a", "Importancia"),
    ),
    "fr": Phrases(
        attribution=(("Le", r"a écrit"),),
        original=("Message d'origine", "Message d’origine", "Message original", "Rendez-vous d'origine"),
        forwarded=("Message transféré", "Message transmis", "Début du message réexpédié"),
        sender=("De",),
        fields=("Envoyé", "Envoyé le", "Date", "À", "A", "Cc", "Cci", "Objet", "Répondre à", "Importance"),
    ),
}


def _any_of(words: tuple[str, ...]) -> str:
    return "|".join(sorted(map(re.escape, set(words)), key=lambda word: (-len(word), word)))


def _all(name: str) -> tuple[str, ...]:
    return tuple(word for phrases in PHRASES.values() for word in getattr(phrases, name))


OPENINGS = tuple(opening for phrases in PHRASES.values() for opening, _ in phrases.attribution)

ATTRIBUTIONS = tuple(
    # The date has a digit: "On Monday she wrote:" is what the customer tells.
    re.compile(rf"{re.escape(opening)}\b[^\d]{{0,60}}\d.{{3,400}}?\b{rest}\s?:\Z", re.IGNORECASE)
    for phrases in PHRASES.values()
    for opening, rest in phrases.attribution
)
"""Whole attributions on one line."""

ORIGINAL = re.compile(rf"[-_=]{{2,}}\s*(?:{_any_of(_all('original'))})\s*[-_=]{{2,}}\Z", re.IGNORECASE)
FORWARDED = re.compile(
    rf"(?:[-_=]{{2,}}\s*)?(?:{_any_of(_all('forwarded'))})\s*(?:[-_=]{{2,}}|:)\Z", re.IGNORECASE
)
SENDER_FIELD = re.compile(rf"\*?(?:{_any_of(_all('sender'))})\s?:\*?\s?\S", re.IGNORECASE)
OTHER_FIELD = re.compile(rf"\*?(?:{_any_of(_all('fields'))})\s?:\*?(?:\s|\Z)", re.IGNORECASE)
FORWARD_SUBJECT = re.compile(r"\s*(?:fwd?|wg|rv|tr|reenv)\s?:", re.IGNORECASE)
