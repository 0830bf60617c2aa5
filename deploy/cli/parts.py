"""From a workspace's file to each service's part of it, and from a place in a part back to the file."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from deploy.cli.workspace_file import AgentEntry, WorkspaceFile
from services.escalation.app.configuration import (
    ContactPart,
    EscalationPart,
    PlacePart,
    QueueManagerPart,
    ReachPart,
)
from services.intake.app.configuration import IntakePart, StaffPart
from services.metrics.app.configuration import MetricsPart
from services.metrics.app.configuration import QueuePart as CountedQueue
from services.router.app.agent_parts import AgentPart
from services.router.app.configuration import RouterPart
from services.router.app.queue_parts import QueuePart

ORDER = ("router", "escalation", "metrics", "intake")
"""In which parts are sent: what is referred to comes first, and requests come in last."""

_SECTIONS: Mapping[str, Mapping[str, str]] = {
    "intake": {"staff": "agents", "rules": "intake_rules"},
    "router": {"policy": "routing_policy"},
    "escalation": {"contacts": "agents"},
    "metrics": {"targets": "kpi_targets", "roster": "agents"},
}


@dataclass(frozen=True, slots=True)
class Part:
    """What one service is told."""

    service: str
    content: BaseModel
    contacts: tuple[int, ...] = ()
    """Of escalation's contacts, the positions of their agents in the file."""

    def place(self, pointer: str) -> tuple[str, ...]:
        """Where in the file stands what a JSON pointer into this part names."""
        section, *rest = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]] or [""]
        if self.service == "escalation" and section == "contacts" and rest and rest[0].isdigit():
            rest[0] = str(self.contacts[int(rest[0])])
        return (_SECTIONS[self.service].get(section, section), *rest)


def parts_of(file: WorkspaceFile) -> list[Part]:
    """Every service's part, in the order in which they are sent."""
    reachable = [(index, agent) for index, agent in enumerate(file.agents) if agent.is_reachable]
    made: dict[str, Part] = {
        "router": Part("router", _router(file)),
        "escalation": Part(
            "escalation",
            EscalationPart(
                calendars=file.calendars,
                sla_policies=file.sla_policies,
                escalation_policies=file.escalation_policies,
                contacts=tuple(_contact(agent) for _, agent in reachable),
                queue_managers=tuple(
                    QueueManagerPart(queue=queue.id, manager=queue.manager)
                    for queue in file.queues
                    if queue.manager is not None
                ),
                escalation_triggers=file.escalation_triggers,
                rotations=file.rotations,
                quiet_outside=file.quiet_outside,
                chats=file.chats,
                webhooks=file.webhooks,
            ),
            contacts=tuple(index for index, _ in reachable),
        ),
        "metrics": Part(
            "metrics",
            MetricsPart(
                time_zone=file.time_zone,
                targets=file.kpi_targets,
                roster=tuple(agent.id for agent in file.agents),
                queues=tuple(
                    CountedQueue(id=queue.id, answer_within=queue.answer_within) for queue in file.queues
                ),
            ),
        ),
        "intake": Part(
            "intake",
            IntakePart(
                channels=file.channels,
                languages=file.languages,
                rules=file.intake_rules,
                word_lists=file.word_lists,
                organisations=file.organisations,
                templates=file.templates,
                survey=file.survey,
                staff=tuple(StaffPart(agent=agent.id, name=agent.name or agent.id) for agent in file.agents),
            ),
        ),
    }
    return [made[service] for service in ORDER]


def _contact(agent: AgentEntry) -> ContactPart:
    same = agent.model_dump(include={*ReachPart.model_fields, *PlacePart.model_fields})
    return ContactPart(agent=agent.id, name=agent.name or None, **same)


def _router(file: WorkspaceFile) -> RouterPart:
    agents = (agent.model_dump(exclude={*ReachPart.model_fields, "manager"}) for agent in file.agents)
    queues = (queue.model_dump(exclude={"answer_within", "manager"}) for queue in file.queues)
    return RouterPart(
        time_zone=file.time_zone,
        calendars=file.calendars,
        skills=file.skills,
        teams=file.teams,
        limits=file.limits,
        presence=file.presence,
        matching=file.matching,
        agents=tuple(map(AgentPart.model_validate, agents)),
        queues=tuple(map(QueuePart.model_validate, queues)),
        policy=file.routing_policy,
    )
