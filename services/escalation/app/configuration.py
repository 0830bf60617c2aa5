"""Escalation's part of a workspace's configuration, as it is written."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from services.escalation.app.rotation_parts import RotationPart
from services.escalation.app.trigger_parts import TriggerPart
from services.escalation.domain.escalation_policy import Urgency
from services.escalation.domain.promise import OnChange
from shared.calendar_parts import CalendarPart
from shared.durations import Duration
from shared.http.types import Email, Request, Slug
from shared.secrets import Secret
from shared.vocabulary import Agreement, Priority, SlaMetric

Subject = Annotated[str, StringConstraints(min_length=1, max_length=200)]


AROUND_THE_CLOCK = "always"
"""What a target names for a calendar where it runs around the clock, whatever its policy says."""


class TargetPart(Request):
    """A promise: the metric stays within so much time of a calendar."""

    metric: SlaMetric
    priority: Literal["all"] | Annotated[tuple[Priority, ...], Field(min_length=1)] = "all"
    customer_tier: Literal["all"] | Annotated[tuple[Subject, ...], Field(min_length=1, max_length=100)] = "all"
    within: Duration
    calendar: Slug | None = Field(default=None, description="None: the policy's. always: around the clock.")
    warn_at_percent: tuple[Annotated[int, Field(ge=1, le=99)], ...] = (75,)
    escalation: Slug | None = Field(default=None, description="The escalation policy that a breach sets off.")
    on_change: OnChange | None = Field(default=None, description="None: the policy's.")


class CalendarRulePart(Request):
    """Whose hours count for the tickets of an organisation, a queue or a channel, or of all that it names."""

    calendar: Slug
    organisation: Subject | None = None
    queue: Slug | None = None
    channel: Slug | None = None


class SlaPolicyPart(Request):
    """Promises for tickets on which a CEL condition holds. The first policy of each agreement decides."""

    id: Slug
    agreement: Agreement = Field(default=Agreement.SLA, description="sla: to customers. ola: among teams.")
    when: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = "true"
    calendar: Slug | None = Field(default=None, description="None: around the clock.")
    calendar_rules: tuple[CalendarRulePart, ...] = Field(
        default=(), max_length=500, description="The first that fits a ticket decides before `calendar`."
    )
    on_change: OnChange = Field(
        default=OnChange.CARRY, description="How clocks that have not ended come over to a promise of this policy."
    )
    targets: tuple[TargetPart, ...] = Field(default=(), max_length=100)


class OftenPart(Request):
    """The policy was set off more than `count` times in the time up to now."""

    count: Annotated[int, Field(ge=1, le=100_000)]
    per: Duration = timedelta(hours=1)


class GatePart(Request):
    """When a step is taken: all that is named holds at that moment. Otherwise the chain goes on without it."""

    unassigned: bool = Field(default=False, description="Nobody has the work.")
    within: Slug | None = Field(default=None, description="The calendar is open.")
    outside: Slug | None = Field(default=None, description="The calendar is closed.")
    more_than: OftenPart | None = None


class RequeueTarget(Request):
    """Where work moves: to a queue or a tier, and who is asked for it."""

    queue: Slug | None = None
    tier: Annotated[int, Field(ge=1, le=9)] | None = None
    agent: Slug | None = Field(default=None, description="Who is asked first, if they may have it.")
    manager: bool = Field(default=False, description="Who has the work hands it to their manager.")
    widen: bool = Field(default=False, description="Asks at once whom the routing policy would only ask later.")


class RaiseTarget(Request):
    """By how many steps work becomes more pressing."""

    by: Annotated[int, Field(ge=1, le=3)] = 1


class NotifyTarget(Request):
    """Who is told."""

    agents: tuple[Subject, ...] = Field(default=(), max_length=100)
    on_call: tuple[Slug, ...] = Field(
        default=(), max_length=20, description="Rotations: whoever is on call at that moment."
    )
    manager: bool = Field(default=False, description="Of the agent who has the work, else of its queue.")
    teams_in_turn: tuple[Slug, ...] = Field(
        default=(), max_length=20, description="Of each team one, the next one each time."
    )
    queue: bool = Field(default=False, description="Everybody in the queue that the work is in.")
    emails: tuple[Email, ...] = Field(default=(), max_length=100)
    chats: tuple[Slug, ...] = Field(default=(), max_length=100)
    webhooks: tuple[Slug, ...] = Field(default=(), max_length=100)
    urgency: Urgency = Field(default=Urgency.HIGH, description="`low` waits for the end of quiet hours.")


class WaitStep(Request):
    """Nothing happens for so long."""

    wait: Duration
    calendar: Slug | None = Field(default=None, description="In whose hours time passes. None: around the clock.")


class RequeueStep(Request):
    """The work item moves, or others are asked for it."""

    requeue: RequeueTarget
    only_if: GatePart | None = None


class RaiseStep(Request):
    """The work item becomes more pressing."""

    raise_priority: RaiseTarget
    only_if: GatePart | None = None


class NotifyStep(Request):
    """People and systems are told."""

    notify: NotifyTarget
    only_if: GatePart | None = None


class RepeatTarget(Request):
    """How often, and from where."""

    times: Annotated[int, Field(ge=1, le=5)] = 1
    from_step: Annotated[int, Field(ge=1, le=50)] = 1


class RepeatStep(Request):
    """The chain goes back, so many times, and then on."""

    repeat: RepeatTarget
    only_if: GatePart | None = None


StepPart = WaitStep | RequeueStep | RaiseStep | NotifyStep | RepeatStep


class EscalationPolicyPart(Request):
    """A chain of steps, taken in order until somebody acknowledges or the reason has gone."""

    id: Slug
    ack_timeout: Duration | None = Field(
        default=None,
        description="Whoever acknowledges has so long before the chain goes on. None: no limit.",
    )
    steps: Annotated[tuple[StepPart, ...], Field(min_length=1, max_length=50)]


class ReachPart(Request):
    """How somebody is told of escalations."""

    email: Email | None = None
    chat: Slug | None = Field(default=None, description="One of `chats`, where they are told, too.")
    notify_by: tuple[Literal["email", "chat"], ...] = Field(
        default=(), max_length=2, description="In their own order; none: by mail first, then by chat."
    )
    quiet_outside: Slug | None = Field(
        default=None, description="The calendar whose closed time is quiet for them; none: the workspace's."
    )


class PlacePart(Request):
    """Where somebody belongs."""

    teams: tuple[Slug, ...] = Field(default=(), max_length=500)
    queues: tuple[Slug, ...] = Field(default=(), max_length=500)
    manager: Subject | None = Field(default=None, description="Who answers for their work.")


class ContactPart(ReachPart, PlacePart):
    """Where an agent is told, and where they belong."""

    agent: Subject
    name: Annotated[str, StringConstraints(max_length=200)] | None = None


class ChatPart(Request):
    """A chat room or person, told by an incoming webhook as Slack has them."""

    id: Slug
    url: Secret = Field(description="`https://…`: whoever has it may write there; stored and shown sealed.")


class QueueManagerPart(Request):
    """Who answers for work in a queue that nobody has, or whose agent has no manager."""

    queue: Slug
    manager: Subject


class WebhookPart(Request):
    """A system that is told over HTTPS, signed as Standard Webhooks are."""

    id: Slug
    url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")]
    secret: Secret = Field(description="What they are signed with, `whsec_…`; stored and shown sealed.")


class EscalationPart(Request):
    """Escalation's part of the configuration."""

    calendars: tuple[CalendarPart, ...] = Field(default=(), max_length=200)
    sla_policies: tuple[SlaPolicyPart, ...] = Field(default=(), max_length=500)
    escalation_policies: tuple[EscalationPolicyPart, ...] = Field(default=(), max_length=500)
    escalation_triggers: tuple[TriggerPart, ...] = Field(default=(), max_length=500)
    contacts: tuple[ContactPart, ...] = Field(default=(), max_length=20_000)
    queue_managers: tuple[QueueManagerPart, ...] = Field(default=(), max_length=2000)
    rotations: tuple[RotationPart, ...] = Field(default=(), max_length=200)
    quiet_outside: Slug | None = Field(
        default=None,
        description="The calendar whose closed time is quiet: what is not urgent waits for it to open.",
    )
    chats: tuple[ChatPart, ...] = Field(default=(), max_length=500)
    webhooks: tuple[WebhookPart, ...] = Field(default=(), max_length=500)
