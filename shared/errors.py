"""Every error that Waypost raises on purpose.

WaypostError
|- DomainError(slug)      a rule said no; http/problems.py alone knows the status code
|  |- NotFound            also for another workspace's row
|  |- NotAllowed          the caller may do this, but not to this thing
|  |- Conflict            stale version, lost race
|  |- IllegalTransition   the thing is not in a state that allows it
|  |- InvalidInput        well-formed, but refused by a rule
|  `- PreconditionFailed  If-Match named another version
|- PoisonMessage          parked with what follows it of its subject
|  |- Undecodable         not an event of the catalog
|  |- ContractViolation   decoded, but breaks a rule of its topic
|  `- VersionGap          an earlier event of its subject is missing
|- DataRefused            the database refused the data (SQLSTATE 22, 23)
|- TransientError         retried with backoff bounded by attempts and time, then the process exits
|  |- DatabaseUnavailable
|  |- BrokerUnavailable
|  |- ProviderUnavailable
|  `- Unavailable         not here or not now: the shard moves, the process drains
|- StaleEpoch             this shard is another's now: drop its state, answer 503
`- FatalError             never caught; the process exits
   `- UnsafeSettings
"""

from typing import ClassVar


class WaypostError(Exception):
    """Waypost cannot do this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class DomainError(WaypostError):
    """A rule does not allow this."""

    slug: ClassVar[str] = "not-allowed"


class NotFound(DomainError):
    """There is no such thing in this workspace."""

    slug = "not-found"


class NotAllowed(DomainError):
    """The caller may not do this to this thing."""


class Conflict(DomainError):
    """Somebody else was faster."""

    slug = "conflict"


class IllegalTransition(DomainError):
    """Its state does not allow this."""

    slug = "illegal-transition"


class InvalidInput(DomainError):
    """A rule refuses this value.

    problems: (JSON pointer, what is wrong there), for the answer's `errors`.
    """

    slug = "invalid-input"

    def __init__(self, message: str | None = None, *, problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class PreconditionFailed(DomainError):
    """It has changed since the version that If-Match names."""

    slug = "precondition-failed"


class PoisonMessage(WaypostError):
    """This record cannot be applied."""

    reason: ClassVar[str] = "poison"


class Undecodable(PoisonMessage):
    """This record is not an event of the catalog."""

    reason = "undecodable"


class ContractViolation(PoisonMessage):
    """This event breaks a rule of its topic."""

    reason = "contract_violation"


class VersionGap(PoisonMessage):
    """An earlier event of this subject is missing."""

    reason = "version_gap"


class DataRefused(WaypostError):
    """The database refused the data."""


class TransientError(WaypostError):
    """This may work in a moment."""


class DatabaseUnavailable(TransientError):
    """The database does not answer."""


class BrokerUnavailable(TransientError):
    """The broker does not answer."""


class ProviderUnavailable(TransientError):
    """The provider does not answer."""


class Unavailable(TransientError):
    """This cannot be served here at this moment."""


class StaleEpoch(WaypostError):
    """Another process holds this shard now."""


class FatalError(WaypostError):
    """This process cannot go on."""


class UnsafeSettings(FatalError):
    """These settings are not safe outside development."""
