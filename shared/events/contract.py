"""What every contract is: a frozen pydantic model that knows its wire name, its version and its subject."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Instant = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))]
"""A moment: with its offset, and far enough from either end of the calendar to be reckoned with."""


class Part(BaseModel):
    """A piece of a contract. Readers ignore fields they do not know: a newer writer may add optional ones."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="float", allow_inf_nan=False)


class Contract(Part):
    """The data of one type of event.

    `name` is the type without prefix and version ("ticket.opened"); `aggregate` is what the subject
    starts with ("ticket"), `identity` the field that completes it ("ticket_id").
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    aggregate: ClassVar[str]
    identity: ClassVar[str]

    is_absolute: ClassVar[bool] = False
    """Carries absolute values: any higher sequence is taken, gaps are harmless."""

    is_snapshot: ClassVar[bool] = False
    """Carries the whole state as of its sequence: a reader takes it as its baseline."""

    @property
    def subject(self) -> str:
        """The aggregate it is about, as `ticket/{id}`."""
        return f"{self.aggregate}/{getattr(self, self.identity)}"

    @classmethod
    def wire_type(cls) -> str:
        """The CloudEvents type, as `waypost.ticket.opened.v1`."""
        return f"waypost.{cls.name}.v{cls.version}"
