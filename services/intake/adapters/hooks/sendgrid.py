"""SendGrid's Inbound Parse: a form, with the mail in pieces or, in raw mode, as it came in the field `email`."""

import re
from collections.abc import Iterator, Sequence

from services.intake.adapters.email.charsets import decode
from services.intake.adapters.hooks import forms, rebuilt, values
from services.intake.adapters.hooks.rebuilt import File, Rebuilt
from services.intake.adapters.hooks.values import Object, Unreadable

_FOLDED = re.compile(r"\r?\n[ \t]+")
_LINE_END = re.compile(r"\r?\n")
_DKIM = re.compile(r"@([A-Za-z0-9.-]{1,253})\s*:\s*pass\b", re.IGNORECASE)


def read(content_type: str, body: bytes) -> Rebuilt:
    """The mail in this form. Raises MalformedForm and Unreadable."""
    form = forms.fields(content_type, body)
    charsets = _object(forms.last(form, "charsets"))
    is_damaged = False

    def text(name: str) -> str | None:
        """A field in the charset that SendGrid names for it."""
        nonlocal is_damaged
        found = next((item for item in reversed(form) if item.name == name), None)
        if found is None:
            return None
        decoded = decode(found.content, values.text(charsets, name) or "utf-8")
        is_damaged |= decoded.is_damaged
        return decoded.text

    envelope = _object(text("envelope"))
    sender = values.text(envelope, "from") if "from" in envelope else None
    sender = "" if envelope.get("from") == "" else rebuilt.address(sender)
    to = envelope.get("to")
    recipients = [rebuilt.address(item) for item in (to if isinstance(to, list) else []) if isinstance(item, str)]
    raw = next((item.content for item in reversed(form) if item.name == "email"), None)
    if raw is None:
        headers = text("headers")
        if headers is None and text("from") is None:
            raise Unreadable("no mail in it")
        raw = rebuilt.mail(
            _headers(headers) if headers else _named(text("from"), text("to"), text("cc"), text("subject")),
            text=text("text"),
            html=text("html"),
            files=list(_files(form, _object(text("attachment-info")))),
        )
    return Rebuilt(
        raw=raw,
        sender=sender,
        recipients=tuple(item for item in recipients if item),
        vouched_for=frozenset(_vouched_for(text("SPF"), text("dkim"), sender)),
        is_damaged=is_damaged,
    )


def _object(written: str | None) -> Object:
    """JSON within a field; SendGrid leaves it out, or empty."""
    try:
        return values.json_object((written or "{}").encode())
    except Unreadable:
        return {}


def _headers(block: str) -> Iterator[tuple[str, str]]:
    for line in _LINE_END.split(_FOLDED.sub(" ", block)):
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _named(sender: str | None, to: str | None, cc: str | None, subject: str | None) -> Iterator[tuple[str, str]]:
    for name, value in (("From", sender), ("To", to), ("Cc", cc), ("Subject", subject)):
        if value:
            yield name, value


def _files(form: Sequence[forms.Field], info: Object) -> Iterator[File]:
    for item in form:
        if item.filename is not None and item.name.startswith("attachment"):
            about = values.part(info, item.name)
            yield rebuilt.of_bytes(
                values.text(about, "filename") or item.filename,
                values.text(about, "type") or item.media_type,
                item.content,
                values.text(about, "content-id"),
            )


def _vouched_for(spf: str | None, dkim: str | None, sender: str | None) -> Iterator[str]:
    """SPF speaks for the domain of the envelope, DKIM for the one that signs: `{@example.org : pass}`."""
    if spf and spf.strip().lower() == "pass" and (domain := rebuilt.domain_of(sender)):
        yield domain
    for found in _DKIM.finditer(dkim or ""):
        yield found[1].lower()
