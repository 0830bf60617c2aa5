"""Inputs as the log has them: kind and payload. A configuration is logged as it was written."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from services.router.app.agent_parts import AgentPart
from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.ports import LoggedInput
from services.router.domain import inputs
from shared.db import configuration

_INPUTS: Mapping[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (
        inputs.TicketKnown,
        inputs.TicketStatusSet,
        inputs.TicketGone,
        inputs.CallEnded,
        inputs.ClockKnown,
        inputs.EscalationRaised,
        inputs.SetAgentState,
        inputs.Connected,
        inputs.Disconnected,
        inputs.AcceptOffer,
        inputs.DeclineOffer,
        inputs.EndOrder,
        inputs.TakeNext,
        inputs.Transfer,
        inputs.Release,
        inputs.Complete,
        inputs.Assign,
        inputs.Tick,
    )
}


def payload_of(logged: LoggedInput) -> str:
    """What is stored of an input, as JSON."""
    current = logged.current
    match current:
        case inputs.Configure():
            assert logged.part is not None, "a configuration comes as it was written"
            return f'{{"version": {current.configuration.version}, "part": {logged.part.model_dump_json()}}}'
        case inputs.ConfigureAgents():
            return json.dumps(
                {
                    "version": current.version,
                    "changed": [_written(agent) for agent in current.changed],
                    "removed": list(current.removed),
                }
            )
        case _:
            return _INPUTS[type(current).__name__].dump_json(current).decode()


def to_input(kind: str, payload: Any) -> inputs.Input:
    """A logged input."""
    match kind:
        case inputs.Configure.__name__:
            part = configuration.part_of(RouterPart, payload["part"])
            return inputs.Configure(configuration=to_configuration(payload["version"], part, is_stored=True))
        case inputs.ConfigureAgents.__name__:
            return inputs.ConfigureAgents(
                version=payload["version"],
                changed=tuple(configuration.part_of(AgentPart, agent) for agent in payload["changed"]),
                removed=tuple(payload["removed"]),
            )
        case _:
            made: inputs.Input = _INPUTS[kind].validate_python(payload)
            return made


def _written(agent: inputs.WrittenAgent) -> dict[str, Any]:
    assert isinstance(agent, AgentPart), "agents are written in one way"
    return agent.model_dump(mode="json")
