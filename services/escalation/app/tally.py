"""How often each escalation policy was set off lately: what gates ask that count."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from services.escalation.app.ports import Case, Histories, TicketKey, Window
from services.escalation.domain.escalation_policy import rates

Version = tuple[str, int]
"""A workspace and a version of its configuration."""


@dataclass(slots=True)
class Tally:
    """What stood in the rows, and what this unit of work has set off besides.

    before: by workspace, policy and time up to now
    """

    before: Mapping[Window, int] = field(default_factory=dict)
    here: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, workspace_id: str, policy: str) -> None:
        """The policy is set off once more."""
        self.here[workspace_id, policy] += 1

    def of(self, workspace_id: str, policy: str, per: timedelta) -> int:
        """How often it was, in so long up to now."""
        return self.before.get((workspace_id, policy, per), 0) + self.here[workspace_id, policy]


def asked(versions: Iterable[Version], histories: Histories) -> Mapping[Window, int]:
    """What the gates of escalations from these versions may ask, and from how many on no more is to be known."""
    found: dict[Window, int] = {}
    for workspace_id, version in versions:
        policies = histories[workspace_id].version(version)
        for policy in policies.escalations.values():
            for rate in rates(policy.steps):
                window = workspace_id, policy.policy_id, rate.per
                found[window] = max(found.get(window, 0), rate.count + 1)
    return found


def versions_in(cases: Mapping[TicketKey, Case], histories: Histories) -> set[Version]:
    """The versions of the configuration from which cases' escalations come, also those that begin now."""
    return {version for case in cases.values() for version in _versions(case, histories)}


def _versions(case: Case, histories: Histories) -> Iterator[Version]:
    workspace_id = case.ticket.workspace_id
    yield workspace_id, histories[workspace_id].latest.version
    for escalation in case.escalations:
        yield workspace_id, escalation.policy_version
    for record in case.clocks:
        if record.clock.promise is not None:
            yield workspace_id, record.clock.promise.version
