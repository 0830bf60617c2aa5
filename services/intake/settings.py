"""What an intake process is told by its environment."""

from pydantic import Field

from shared.settings import Settings


class IntakeSettings(Settings):
    """Settings of intake, beside those that every service has."""

    group_max_messages: int = Field(default=200, ge=1, le=1000)
    """Most messages that one commit covers. They gather only while the commit before is under way."""
