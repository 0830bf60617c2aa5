"""What a workspace's file holds. The sections are those of the services; what several of them need stands once."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from services.escalation.app.configuration import (
    AROUND_THE_CLOCK,
    ChatPart,
    EscalationPolicyPart,
    NotifyStep,
    ReachPart,
    RequeueStep,
    SlaPolicyPart,
    StepPart,
    WaitStep,
    WebhookPart,
)
from services.escalation.app.rotation_parts import RotationPart
from services.escalation.app.trigger_parts import TriggerPart
from services.intake.app.channel_parts import ChannelPart
from services.intake.app.configuration import IntakePart, OrganisationPart
from services.intake.app.rule_parts import Language, WordListPart
from services.intake.app.rule_parts import RulePart as IntakeRulePart
from services.intake.app.template_parts import SurveyPart, TemplatePart
from services.metrics.app.configuration import TargetPart as KpiTargetPart
from services.router.app.agent_parts import AgentPart, LimitPart, PresencePart
from services.router.app.configuration import RouterPart
from services.router.app.matching_parts import MatchingPart
from services.router.app.policy_parts import PolicyPart
from services.router.app.queue_parts import QueuePart
from shared.calendar_parts import CalendarPart
from shared.configuration import unknown
from shared.durations import Duration
from shared.http.types import Request, Slug
from shared.vocabulary import ChannelKind

WorkspaceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Path = tuple[str | int, ...]


class AgentEntry(AgentPart, ReachPart):
    """An agent, where they are told of escalations, and who answers for their work."""

    manager: Slug | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether they can be told of escalations."""
        return self.email is not None or self.chat is not None


class QueueEntry(QueuePart):
    """A queue, who answers for it, and within what time the staff means to answer, which the numbers show."""

    answer_within: Duration | None = None
    manager: Slug | None = None


class WorkspaceFile(Request):
    """One workspace. What is left out is as it is without configuration."""

    workspace: WorkspaceId
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=60)] = "UTC"

    channels: tuple[ChannelPart, ...] = IntakePart().channels
    organisations: tuple[OrganisationPart, ...] = ()
    languages: tuple[Language, ...] = ()
    intake_rules: tuple[IntakeRulePart, ...] = ()
    word_lists: tuple[WordListPart, ...] = ()
    templates: tuple[TemplatePart, ...] = ()
    survey: SurveyPart | None = None

    skills: tuple[Slug, ...] = ()
    teams: tuple[Slug, ...] = ()
    limits: dict[ChannelKind, LimitPart] = {}
    presence: PresencePart = PresencePart()
    matching: MatchingPart = MatchingPart()
    queues: tuple[QueueEntry, ...] = tuple(QueueEntry(id=queue.id) for queue in RouterPart().queues)
    agents: tuple[AgentEntry, ...] = ()
    routing_policy: PolicyPart = PolicyPart()

    calendars: tuple[CalendarPart, ...] = ()
    sla_policies: tuple[SlaPolicyPart, ...] = ()
    escalation_policies: tuple[EscalationPolicyPart, ...] = ()
    escalation_triggers: tuple[TriggerPart, ...] = ()
    rotations: tuple[RotationPart, ...] = ()
    quiet_outside: Slug | None = None
    chats: tuple[ChatPart, ...] = ()
    webhooks: tuple[WebhookPart, ...] = ()

    kpi_targets: Annotated[tuple[KpiTargetPart, ...], Field(max_length=1000)] = ()

    @model_validator(mode="before")
    @classmethod
    def _lend_time_zone(cls, content: object) -> object:
        """A calendar or a rotation that names no time zone has the workspace's."""
        if not isinstance(content, dict):
            return content
        zone = content.get("time_zone", "UTC")
        lent = {
            section: [{"time_zone": zone, **item} if isinstance(item, dict) else item for item in content[section]]
            for section in ("calendars", "rotations")
            if isinstance(content.get(section), list)
        }
        return {**content, **lent}


def references(content: WorkspaceFile) -> Iterator[tuple[Path, str]]:
    """A problem for each name that refers to nothing in another section."""
    queues = {queue.id for queue in content.queues}
    calendars = {calendar.id for calendar in content.calendars}
    yield from _routing(content, queues)
    yield from _promises(content, queues)
    yield from _chains(content, queues)
    yield from _triggers(content, queues)
    yield from _rotations(content, calendars)
    yield from _telling(content, calendars)
    yield from _managers(content)
    for index, aim in enumerate(content.kpi_targets):
        if aim.queue is not None:
            yield from _unknown(("kpi_targets", index, "queue"), [aim.queue], queues, "queue")


def warnings(content: WorkspaceFile) -> Iterator[str]:
    """What is allowed and probably not meant."""
    tiers = {agent.support_tier for agent in content.agents}
    for chain in content.escalation_policies:
        for step in chain.steps:
            tier = step.requeue.tier if isinstance(step, RequeueStep) else None
            if tier is not None and tier not in tiers and content.agents:
                yield f"escalation policy {chain.id} moves work to tier {tier}, in which there is nobody"


def _promises(content: WorkspaceFile, queues: set[str]) -> Iterator[tuple[Path, str]]:
    calendars = {calendar.id for calendar in content.calendars}
    channels = {channel.id for channel in content.channels}
    chains = {chain.id for chain in content.escalation_policies}
    for index, policy in enumerate(content.sla_policies):
        at: Path = ("sla_policies", index)
        yield from _unknown((*at, "calendar"), _named(policy.calendar), calendars, "calendar")
        for number, rule in enumerate(policy.calendar_rules):
            by: Path = (*at, "calendar_rules", number)
            yield from _unknown((*by, "calendar"), [rule.calendar], calendars, "calendar")
            yield from _unknown((*by, "queue"), _named(rule.queue), queues, "queue")
            yield from _unknown((*by, "channel"), _named(rule.channel), channels, "channel")
        for number, target in enumerate(policy.targets):
            of: Path = (*at, "targets", number)
            yield from _unknown(
                (*of, "calendar"), _named(target.calendar), calendars | {AROUND_THE_CLOCK}, "calendar"
            )
            yield from _unknown((*of, "escalation"), _named(target.escalation), chains, "escalation policy")


def _named(name: str | None) -> list[str]:
    return [] if name is None else [name]


def _routing(content: WorkspaceFile, queues: set[str]) -> Iterator[tuple[Path, str]]:
    teams, skills = set(content.teams), set(content.skills)
    calendars = {calendar.id for calendar in content.calendars}
    for index, agent in enumerate(content.agents):
        yield from _unknown(("agents", index, "queues"), agent.queues, queues, "queue")
        yield from _unknown(("agents", index, "teams"), agent.teams, teams, "team")
        yield from _unknown(("agents", index, "skills"), list(agent.skills), skills, "skill")
        if isinstance(agent.shifts, str):
            yield from _unknown(("agents", index, "shifts"), [agent.shifts], calendars, "calendar")
    for index, queue in enumerate(content.queues):
        if isinstance(queue.hours, str):
            yield from _unknown(("queues", index, "hours"), [queue.hours], calendars, "calendar")
        if queue.closed_to is not None:
            yield from _unknown(("queues", index, "closed_to"), [queue.closed_to], queues, "queue")
        if queue.overflow is not None:
            yield from _unknown(("queues", index, "overflow", "to"), [queue.overflow.to], queues, "queue")
    for index, rule in enumerate(content.routing_policy.rules):
        at: Path = ("routing_policy", "rules", index)
        yield from _unknown((*at, "queue"), [rule.queue], queues, "queue")
        yield from _unknown((*at, "skills"), list(rule.skills), skills, "skill")
    default = content.routing_policy.default
    yield from _unknown(("routing_policy", "default", "queue"), [default.queue], queues, "queue")


def _calendars_of(step: StepPart) -> Iterator[tuple[Path, str]]:
    """The calendars that a step of a chain names, and where."""
    if isinstance(step, WaitStep):
        named: dict[Path, str | None] = {("calendar",): step.calendar}
    elif step.only_if is not None:
        named = {("only_if", "within"): step.only_if.within, ("only_if", "outside"): step.only_if.outside}
    else:
        named = {}
    yield from ((path, name) for path, name in named.items() if name is not None)


def _chains(content: WorkspaceFile, queues: set[str]) -> Iterator[tuple[Path, str]]:
    calendars = {calendar.id for calendar in content.calendars}
    agents = {agent.id for agent in content.agents}
    webhooks = {webhook.id for webhook in content.webhooks}
    chats = {chat.id for chat in content.chats}
    rotations, teams = {rotation.id for rotation in content.rotations}, set(content.teams)
    for index, chain in enumerate(content.escalation_policies):
        for number, step in enumerate(chain.steps):
            at: Path = ("escalation_policies", index, "steps", number)
            for path, name in _calendars_of(step):
                yield from _unknown((*at, *path), [name], calendars, "calendar")
            if isinstance(step, RequeueStep) and step.requeue.queue is not None:
                yield from _unknown((*at, "requeue", "queue"), [step.requeue.queue], queues, "queue")
            if isinstance(step, RequeueStep) and step.requeue.agent is not None:
                yield from _unknown((*at, "requeue", "agent"), [step.requeue.agent], agents, "agent")
            if isinstance(step, NotifyStep):
                yield from _unknown((*at, "notify", "webhooks"), step.notify.webhooks, webhooks, "webhook")
                yield from _unknown((*at, "notify", "chats"), step.notify.chats, chats, "chat")
                yield from _reachable((*at, "notify", "agents"), step.notify.agents, content)
                yield from _unknown((*at, "notify", "on_call"), step.notify.on_call, rotations, "rotation")
                yield from _unknown((*at, "notify", "teams_in_turn"), step.notify.teams_in_turn, teams, "team")


def _triggers(content: WorkspaceFile, queues: set[str]) -> Iterator[tuple[Path, str]]:
    chains = {chain.id for chain in content.escalation_policies}
    for index, trigger in enumerate(content.escalation_triggers):
        at: Path = ("escalation_triggers", index)
        yield from _unknown((*at, "escalation"), [trigger.escalation], chains, "escalation policy")
        if trigger.queue is not None:
            yield from _unknown((*at, next(iter(trigger.signs())), "queue"), [trigger.queue], queues, "queue")


def _rotations(content: WorkspaceFile, calendars: set[str]) -> Iterator[tuple[Path, str]]:
    for index, rotation in enumerate(content.rotations):
        at: Path = ("rotations", index)
        if rotation.fallback is not None:
            yield from _reachable((*at, "fallback"), [rotation.fallback], content)
        for number, layer in enumerate(rotation.layers):
            yield from _reachable((*at, "layers", number, "members"), layer.members, content)
            for field, named in (("during", layer.during), ("outside", layer.outside)):
                if named is not None:
                    yield from _unknown((*at, "layers", number, field), [named], calendars, "calendar")


def _telling(content: WorkspaceFile, calendars: set[str]) -> Iterator[tuple[Path, str]]:
    if content.quiet_outside is not None:
        yield from _unknown(("quiet_outside",), [content.quiet_outside], calendars, "calendar")
    chats = {chat.id for chat in content.chats}
    for index, agent in enumerate(content.agents):
        if agent.chat is not None:
            yield from _unknown(("agents", index, "chat"), [agent.chat], chats, "chat")
        if agent.quiet_outside is not None:
            yield from _unknown(("agents", index, "quiet_outside"), [agent.quiet_outside], calendars, "calendar")


def _managers(content: WorkspaceFile) -> Iterator[tuple[Path, str]]:
    named = [(("agents", index), agent.manager) for index, agent in enumerate(content.agents)]
    named += [(("queues", index), queue.manager) for index, queue in enumerate(content.queues)]
    for at, manager in named:
        if manager is not None:
            yield from _reachable((*at, "manager"), [manager], content)


def _reachable(at: Path, names: Sequence[str], content: WorkspaceFile) -> Iterator[tuple[Path, str]]:
    """A problem for each name of nobody, or of somebody who cannot be told."""
    agents = {agent.id: agent for agent in content.agents}
    yield from _unknown(at, names, set(agents), "agent")
    for name in names:
        if name in agents and not agents[name].is_reachable:
            yield at, f"{name} has neither email nor chat"


def _unknown(at: Path, names: Sequence[str], known: set[str], what: str) -> Iterator[tuple[Path, str]]:
    for _, text in unknown("", names, known, what):
        yield at, text
