"""The page behind the link of a message to staff. Looking at it changes nothing: the button does."""

from html import escape

from fastapi import Response

from services.escalation.adapters.telling.told import Told
from services.escalation.adapters.telling.wording import line
from shared.http.pages import page
from shared.vocabulary import EscalationState

_TITLE = "Escalations"
_STATES = {
    EscalationState.RAISED: "waits for somebody",
    EscalationState.ACKNOWLEDGED: "somebody has taken it on",
    EscalationState.RESOLVED: "is over",
}


def shown(told: Told) -> Response:
    """How it stands, and a button where something waits."""
    waiting, total = len(told.open), len(told.about)
    listed = "".join(
        f"<li>{escape(line(one.facts))}: <strong>{_STATES[one.state]}</strong></li>"
        for one in told.about
        if one.facts is not None
    )
    hidden = total - sum(one.facts is not None for one in told.about)
    more = f"<p>{hidden} more are not listed.</p>" if hidden else ""
    label = "Take it on" if waiting == 1 else f"Take all {waiting} on"
    button = f'<form method="post"><button>{label}</button></form>' if waiting else ""
    return _note(_said(told, waiting, total), f"<ul>{listed}</ul>{more}{button}")


def unknown() -> Response:
    """For links that we never made."""
    return _note("There is no such link.", "", 404)


def expired() -> Response:
    """For links that are too old."""
    return _note("This link is not good any more. Nothing was changed.", "", 410)


def too_late(told: Told) -> Response:
    """For who takes on what is over."""
    only = len(told.about) == 1
    return _note(f"{'It is' if only else 'They are'} over by now: nothing was changed.", "", 409)


def busy() -> Response:
    """For who comes too often."""
    response = _note("Too many requests. Please try again in a minute.", "", 429)
    response.headers["Retry-After"] = "60"
    return response


def _said(told: Told, waiting: int, total: int) -> str:
    if waiting:
        return f"{waiting} of {total} wait for somebody." if total > 1 else "It waits for somebody."
    if all(one.state is EscalationState.RESOLVED for one in told.about):
        return "They are over." if total > 1 else "It is over."
    return "Everything is taken on." if total > 1 else "It is taken on."


def _note(note: str, content: str, status: int = 200) -> Response:
    return page(
        language="en",
        title=_TITLE,
        content=f'<p class="note" role="status">{escape(note)}</p>{content}',
        status=status,
    )
