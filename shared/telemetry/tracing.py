"""W3C Trace Context: the `traceparent` that a request carries through HTTP, outbox and Kafka."""

import os
import re
from contextvars import ContextVar

_FORMAT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})\Z")

current_traceparent: ContextVar[str | None] = ContextVar("current_traceparent", default=None)


def continued(received: str | None) -> str:
    """The traceparent of our part of a trace: the caller's trace with a span of ours, or a new trace.

    received: the caller's header; anything malformed begins a new trace, as the recommendation asks
    """
    span = os.urandom(8).hex()
    if received and (match := _FORMAT.match(received)):
        return f"00-{match[1]}-{span}-{match[2]}"
    return f"00-{os.urandom(16).hex()}-{span}-01"
