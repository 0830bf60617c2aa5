"""Webhooks signed as Standard Webhooks are: HMAC-SHA256 over `id.timestamp.body`."""

import base64
import hashlib
import hmac
import json
from datetime import datetime

from services.escalation.domain.escalation_policy import Webhook
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


def signed(webhook: Webhook, notification: Notification, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of one attempt. The id is the notification's: it tells a repeat."""
    message_id, timestamp = str(notification.notification_id), str(int(now.timestamp()))
    key = base64.b64decode(webhook.secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
