"""Every version that a workspace's service levels ever had: read once, some at a time, and remembered."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from services.escalation.app.configuration import EscalationPart
from services.escalation.app.feeds import FED
from services.escalation.app.policies import Compiled, to_policies
from services.escalation.domain.sla_policy import PolicyHistory
from shared.db import configuration
from shared.public_holidays import public_holidays

PORTION = 16
"""Versions that are read at once: few, so that nobody's transaction waits for long with nothing to do."""
_MOST_REMEMBERED = 20_000
"""Versions of all workspaces; beyond, those that nobody has asked for the longest are forgotten."""

NEVER_CONFIGURED = PolicyHistory()


class StoredVersion(NamedTuple):
    """A version by what it has changed.

    sections: all that it has; changed: those that are others than in the version before, as JSON
    fed: what feeds close, as JSON
    """

    version: int
    since: datetime
    sections: Collection[str]
    changed: str
    fed: str


ReadVersions = Callable[[int, int], Awaitable[Sequence[StoredVersion]]]
"""The versions after one, in order, at most so many."""


@dataclass(slots=True)
class _Known:
    """What is remembered of a workspace. reading: held by whoever reads on"""

    history: PolicyHistory = NEVER_CONFIGURED
    last: Compiled | None = None
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class VersionMemory:
    """The histories of workspaces, as far as they were read.

    Each portion stays, whatever becomes of the transaction that it was read in: who tries again reads on. Versions
    are compiled in a thread, and have in common what is the same in one and the next.
    """

    def __init__(self, most: int = _MOST_REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def history(self, workspace_id: str, latest: int, read: ReadVersions) -> PolicyHistory:
        """Every version of a workspace up to one, at least."""
        if not latest:
            return NEVER_CONFIGURED
        known = self._known.setdefault(workspace_id, _Known())
        self._known.move_to_end(workspace_id)
        while known.history.latest.version < latest:
            async with known.reading:
                # Somebody else may have read it while this one waited.
                after = known.history.latest.version
                if after >= latest:
                    break
                rows = await read(after, PORTION)
                if not rows:
                    break
                await asyncio.to_thread(_extend, known, rows)
                self._forget()
        return known.history

    def last(self, workspace_id: str) -> Compiled | None:
        """The last version that was read of a workspace."""
        known = self._known.get(workspace_id)
        return known.last if known else None

    def _forget(self) -> None:
        remembered = sum(len(known.history.versions) for known in self._known.values())
        while remembered > self._most and len(self._known) > 1:
            _, forgotten = self._known.popitem(last=False)
            remembered -= len(forgotten.history.versions)


def _extend(known: _Known, rows: Sequence[StoredVersion]) -> None:
    versions, last = list(known.history.versions), known.last
    for row in rows:
        part, fed = _part(row, last), FED.validate_json(row.fed)
        made = to_policies(row.version, row.since, part, public_holidays, fed, last)
        last = Compiled(part, fed, made)
        versions.append(made.following(versions[-1]))
    known.history, known.last = PolicyHistory(tuple(versions)), last


def _part(row: StoredVersion, before: Compiled | None) -> EscalationPart:
    """What has changed with what has not. A section that an older release did not know of is as if left out."""
    changed = configuration.part_of(EscalationPart, json.loads(row.changed))
    if before is None:
        return changed
    kept = (EscalationPart.model_fields.keys() & set(row.sections)) - changed.model_fields_set
    return changed.model_copy(update={name: getattr(before.part, name) for name in kept})
