"""Where a conversation stands in Slack: `thread_key` is `{channel}:{thread_ts}`."""

import re
from dataclasses import dataclass

_KEY = re.compile(r"(?P<channel>[A-Z0-9]{2,30})[:/](?P<ts>[0-9]{1,20}\.[0-9]{1,20})\Z")
_CHANNEL = re.compile(r"[CDGUW][A-Z0-9]{1,29}\Z")


@dataclass(frozen=True, slots=True)
class SlackPlace:
    """A channel or a person of Slack's; thread_ts: the message that began the thread there, if it is one."""

    channel: str
    thread_ts: str | None = None


def place_of(thread_key: str | None, handle: str | None) -> SlackPlace | None:
    """Where an answer goes: into the thread, or to the person where there is none."""
    if thread_key and (found := _KEY.match(thread_key)):
        return SlackPlace(found["channel"], found["ts"])
    if handle and _CHANNEL.match(handle):
        return SlackPlace(handle)
    return None
