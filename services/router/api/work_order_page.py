"""The page of a work order, for a partner's people. Looking at it changes nothing: the buttons do."""

from html import escape

from fastapi import Response

from services.router.api.order_desk import OrderState, WorkOrderAnswer
from shared.http.pages import page

_TITLE = "Work order"
_REFUSED = {
    404: "There is no such work order.",
    409: "It is too late for that: nothing was changed.",
    429: "Too many requests. Please try again in a minute.",
    503: "This is not possible at the moment. Please try again.",
}
_UNREADABLE = "That could not be read: nothing was changed."
_STRANGERS = (404, 429)
"""What is answered to who need not have a link of ours."""
_STANDS = {
    OrderState.OFFERED: "Offered to you.",
    OrderState.ACCEPTED: "Accepted: it is yours.",
    OrderState.ENDED: "Ended: nothing more is asked of you.",
}
_BUTTONS = {
    OrderState.OFFERED: (("accept", "Accept"), ("decline", "Decline")),
    OrderState.ACCEPTED: (("complete", "Done"), ("decline", "Give back")),
    OrderState.ENDED: (),
}
MOST_OF_REASON = 500


def order_page(token: str, order: WorkOrderAnswer) -> Response:
    """How the order stands, and what can be done with it."""
    by = [("Queue", order.queue), ("Priority", order.priority.value), ("Ticket", str(order.ticket_id))]
    if order.state is OrderState.OFFERED:
        by.append(("Answer by", f"{order.answer_by:%Y-%m-%d %H:%M} UTC"))
    if order.done_by is not None:
        by.append(("To be done by", f"{order.done_by:%Y-%m-%d %H:%M} UTC"))
    facts = "".join(f"<p>{escape(name)}: <strong>{escape(value)}</strong></p>" for name, value in by)
    forms = "".join(_form(token, action, label) for action, label in _BUTTONS[order.state])
    return _note(_STANDS[order.state], facts + forms)


def refused(status: int, retry_after: str | None, back: str | None) -> Response:
    """The page for what was not done, with its status. back: where the order is shown, as a relative address"""
    link = ""
    if back is not None and status not in _STRANGERS:
        link = f'<p><a href="{escape(back)}">See how the work order stands</a></p>'
    response = _note(_REFUSED.get(status, _UNREADABLE), link, status)
    if retry_after is not None:
        response.headers["Retry-After"] = retry_after
    return response


def _form(token: str, action: str, label: str) -> str:
    # Relative: whatever stands in front of the path by which the world comes here stays there.
    reason = ""
    if action != "accept":
        reason = (
            f'<p><label for="{action}-reason">Remark, if any</label>'
            f'<textarea id="{action}-reason" name="reason" rows="2" maxlength="{MOST_OF_REASON}"></textarea></p>'
        )
    return (
        f'<form method="post" action="{escape(token)}/{action}"><fieldset><legend>{label}</legend>{reason}'
        f"<button>{label}</button></fieldset></form>"
    )


def _note(note: str, content: str, status: int = 200) -> Response:
    return page(
        language="en",
        title=_TITLE,
        content=f'<p class="note" role="status">{escape(note)}</p>{content}',
        status=status,
    )
