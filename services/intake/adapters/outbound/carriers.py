"""Which carrier takes the messages of a channel."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from services.intake.adapters.outbound.carrier import Carrier
from services.intake.domain.outgoing import Later, Outcome, Outgoing, obstacle
from services.intake.domain.provider import Meta, Slack, StandardWebhook, Twilio
from services.intake.domain.workspace import UNREADABLE, Channel, Workspace
from shared.attempts import attempted


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriers:
    """Every way out that there is."""

    mail: Carrier
    twilio: Carrier
    meta: Carrier
    slack: Carrier
    standard: Carrier

    async def send(self, outgoing: Outgoing, workspace: Workspace, now: datetime) -> Outcome:
        """One attempt, by the provider that takes the channel's answers."""
        if not workspace.is_readable:
            return Later(reason=UNREADABLE, holds=True)
        channel = workspace.channels.get(outgoing.channel)
        if problem := obstacle(outgoing, channel, now):
            return problem
        assert channel is not None, "an obstacle"
        return await attempted(
            self._of(channel).send(outgoing, channel, now), _later, way=outgoing.channel_kind.value
        )

    def _of(self, channel: Channel) -> Carrier:
        match channel.sender:
            case None:
                return self.mail
            case Twilio():
                return self.twilio
            case Meta():
                return self.meta
            case Slack():
                return self.slack
            case StandardWebhook():
                return self.standard
            case other:
                assert_never(other)


def _later(reason: str) -> Outcome:
    return Later(reason=reason)
