"""What webhooks are told of an escalation."""

import json

from services.escalation.domain.notification import Notification


def body_of(notification: Notification) -> bytes:
    """What is posted, the same at every attempt."""
    return json.dumps(
        {
            "type": "escalation.raised",
            "timestamp": notification.created_at.isoformat(),
            "data": {"workspace": notification.workspace_id, **notification.payload},
        },
        separators=(",", ":"),
    ).encode()
