"""Slack's Events API: what people write in channels that its app is in, or to the app itself."""

import re
from dataclasses import replace

from services.intake.adapters.hooks import payloads, values
from services.intake.adapters.hooks.values import Object, Unreadable
from services.intake.app.mail_ports import Raw
from services.intake.domain.hook import Brought, Written
from services.intake.domain.message import Identity, IdentityKind, InboundMessage, Media, Sender
from shared.vocabulary import MachineClass

_SAID = frozenset({"", "file_share", "thread_broadcast", "me_message", "bot_message"})
"""Kinds of message that somebody has written; the others tell of joining, topics and the like."""

_MAX_ID = 100
_LINK = re.compile(r"<([^<>|]{1,4000})(?:\|([^<>]{0,4000}))?>")


def challenge(content: bytes) -> str | None:
    """What Slack wants to hear when the address of its events is set."""
    if b"url_verification" not in content or len(content) > 4096:
        return None
    try:
        payload = values.json_object(content)
    except Unreadable:
        return None
    return values.text(payload, "challenge") if payload.get("type") == "url_verification" else None


def read(raw: Raw, content: bytes) -> list[Brought]:
    """The message of an event, if it is one. Raises Unreadable."""
    payload = values.json_object(content)
    if payload.get("type") != "event_callback":
        return [Brought(ignored="not an event")]
    event = values.part(payload, "event")
    # In a channel that two Slack workspaces share, the outer team may be the other one.
    teams = [values.text(item, "team_id") for item in values.items(payload, "authorizations")]
    team = next(filter(None, teams), None) or values.text(payload, "team_id")
    if event.get("type") not in ("message", "app_mention"):
        return [Brought(account=team, ignored="not a message")]
    subtype = values.text(event, "subtype") or ""
    if subtype not in (*_SAID, "message_changed"):
        return [Brought(account=team, ignored="nobody has written anything")]
    written = values.part(event, "message") if subtype == "message_changed" else event
    if _is_own(payload, written):
        return [Brought(account=team, ignored="our own bot")]
    if written is not event and written.get("text") == values.part(event, "previous_message").get("text"):
        # Slack unfolds links and files, and calls that a change.
        return [Brought(account=team, ignored="not changed")]
    message = _message(raw, written, values.needed(event, "channel", _MAX_ID), is_edit=written is not event)
    return [Brought(account=team, messages=(Written(message=message),))]


def _message(raw: Raw, event: Object, channel: str, *, is_edit: bool) -> InboundMessage:
    """The message, known by its place: a mention comes twice, as events of their own.

    An edit is a message that says so, as what was read before stays as it was.
    """
    at = values.needed(event, "ts", _MAX_ID)
    edited = values.text(values.part(event, "edited"), "ts") or ""
    text = _plain(values.long_text(event, "text"))
    user, bot = values.text(event, "user"), values.text(event, "bot_id")
    message = payloads.message(
        raw,
        known_as=f"{channel}:{at}:{edited}" if is_edit else f"{channel}:{at}",
        sender=Sender(
            identity=Identity(kind=IdentityKind.HANDLE, value=user or values.needed(event, "bot_id")),
            name=values.text(values.part(event, "user_profile"), "real_name", 200)
            or values.text(event, "username", 200),
            is_verified=True,
        ),
        text=f"(edited) {text}" if is_edit else text,
        to=channel,
        thread_key=f"{channel}:{values.text(event, 'thread_ts', _MAX_ID) or at}",
        files=() if is_edit else [_file(file) for file in values.items(event, "files")],
        sent_at=values.seconds(edited if is_edit and edited else at),
    )
    return replace(message, machine=MachineClass.AUTO_GENERATED) if bot else message


def _is_own(payload: Object, event: Object) -> bool:
    """Whether our app has written it, with its token or as its bot."""
    app = values.text(payload, "api_app_id")
    apps = {values.text(event, "app_id"), values.text(values.part(event, "bot_profile"), "app_id")}
    bots = {values.text(item, "user_id") for item in values.items(payload, "authorizations") if item.get("is_bot")}
    is_ours = app is not None and app in apps and values.text(event, "bot_id") is not None
    return is_ours or (values.text(event, "user") or "") in bots


def _file(file: Object) -> Media | None:
    url = values.text(file, "url_private_download", 4001) or values.text(file, "url_private", 4001)
    return payloads.media(url, values.text(file, "mimetype"), values.text(file, "name", 200))


def _plain(text: str) -> str:
    """The text without Slack's marks: links and mentions as they are shown."""
    shown = _LINK.sub(lambda found: f"{found[2]} ({found[1]})" if found[2] else found[1], text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
