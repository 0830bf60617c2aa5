"""Mailgun's routes: a form, with the mail in pieces or, for addresses that end in `mime`, as it came.

Of a field that stands there twice the last counts. `stripped-*` are Mailgun's guesses at what quotes are; ours
are made as for all mail. Mailgun's verdicts on SPF and DKIM stand among the headers of the mail, where
its sender can write them as well: they vouch for nobody.
"""

from collections.abc import Iterator, Sequence

from services.intake.adapters.hooks import forms, rebuilt
from services.intake.adapters.hooks.rebuilt import File, Rebuilt
from services.intake.adapters.hooks.values import Unreadable
from shared.strict_json import Json, loads

_NAMED = (("From", "from"), ("To", "To"), ("Subject", "subject"), ("Message-Id", "Message-Id"), ("Date", "Date"))


def read(content_type: str, body: bytes) -> Rebuilt:
    """The mail in this form. Raises MalformedForm and Unreadable."""
    form = forms.fields(content_type, body)
    raw = next((item.content for item in reversed(form) if item.name == "body-mime"), None)
    if raw is None:
        text, html = forms.last(form, "body-plain"), forms.last(form, "body-html")
        if text is None and html is None and forms.last(form, "message-headers") is None:
            raise Unreadable("no mail in it")
        raw = rebuilt.mail(_headers(form), text=text, html=html, files=list(_files(form)))
    recipients = [rebuilt.address(item) for item in (forms.last(form, "recipient") or "").split(",")]
    return Rebuilt(
        raw=raw,
        sender=rebuilt.address(forms.last(form, "sender")),
        recipients=tuple(item for item in recipients if item),
    )


def _headers(form: Sequence[forms.Field]) -> Iterator[tuple[str, str]]:
    found = _json(forms.last(form, "message-headers"))
    pairs = [pair for pair in found if isinstance(pair, list)] if isinstance(found, list) else []
    named = [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
    yield from ((name, value) for name, value in named if isinstance(name, str) and isinstance(value, str))
    present = {name.lower() for name, _ in named if isinstance(name, str)}
    for name, source in _NAMED:
        if name.lower() not in present and (value := forms.last(form, source)):
            yield name, value


def _files(form: Sequence[forms.Field]) -> Iterator[File]:
    """`content-id-map` names the fields by the Content-IDs under which the HTML shows them."""
    ids = _json(forms.last(form, "content-id-map"))
    by_field = {field: name for name, field in ids.items()} if isinstance(ids, dict) else {}
    for item in form:
        if item.filename is not None:
            content_id = by_field.get(item.name)
            yield rebuilt.of_bytes(item.filename, item.media_type, item.content, content_id)


def _json(written: str | None) -> Json:
    try:
        return loads((written or "null").encode(), replaces=True)
    except ValueError:
        return None
