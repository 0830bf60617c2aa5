"""Rows of notifications and messages to the domain's values and back."""

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from services.escalation.adapters.telling import tables
from services.escalation.domain.escalation_policy import Urgency
from services.escalation.domain.message import Message
from services.escalation.domain.notification import Notification, NotificationState
from services.escalation.domain.recipient import Reach, Way

NOTIFICATION = tuple(column.name for column in tables.notification.columns)
MESSAGE = tuple(column.name for column in tables.message.columns)

_REACHES: TypeAdapter[tuple[Reach, ...]] = TypeAdapter(tuple[Reach, ...])
_NOTIFICATION_VALUES = ("shard", "way", "urgency", "otherwise", "state")


def notification_row(notification: Notification, shard: int) -> dict[str, object]:
    """A notification's row."""
    fields = {name: getattr(notification, name) for name in NOTIFICATION if name not in ("shard", "otherwise")}
    return {**fields, "shard": shard, "otherwise": _REACHES.dump_python(notification.otherwise, mode="json")}


def to_notification(row: RowMapping) -> Notification:
    """A notification of its row."""
    fields = {name: row[name] for name in NOTIFICATION if name not in _NOTIFICATION_VALUES}
    return Notification(
        way=Way(row["way"]),
        urgency=Urgency(row["urgency"]),
        otherwise=_REACHES.validate_python(row["otherwise"]),
        state=NotificationState(row["state"]),
        **fields,
    )


def to_message(row: RowMapping) -> Message:
    """A message of its row."""
    fields = {name: row[name] for name in MESSAGE if name not in ("shard", "way", "state")}
    return Message(way=Way(row["way"]), state=NotificationState(row["state"]), **fields)
