"""What the answer to a post says about an attempt."""

from datetime import datetime

from services.escalation.domain.message import Answer, Outcome
from shared.egress import Answered
from shared.retries import retry_after

_GONE = 410


def outcome_of(answered: Answered, now: datetime) -> Outcome:
    """As Standard Webhooks has it: any 2xx is a yes, 410 means never again, all else, redirects too, not now."""
    status = answered.status
    if 200 <= status < 300:
        return Outcome(answer=Answer.TAKEN, code=status)
    answer = Answer.GONE if status == _GONE else Answer.DEFERRED
    wish = retry_after(answered.retry_after, now)
    return Outcome(answer=answer, code=status, detail=f"answered {status}", wish=wish)
