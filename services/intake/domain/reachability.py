"""Whether mail may be sent to an address by itself: not to one that is not there, nor to one that complained."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachability:
    """What is known of an address.

    undeliverable_since: when a server said that mail will never arrive there, until its owner writes again;
    undeliverable_reason: its words, for the staff
    do_not_mail_since: when somebody there complained of our mail; agents still answer what they ask
    """

    undeliverable_since: datetime | None = None
    undeliverable_reason: str | None = None
    do_not_mail_since: datetime | None = None

    @property
    def is_deliverable(self) -> bool:
        """Whether automatic mail may be sent there."""
        return self.undeliverable_since is None and self.do_not_mail_since is None
