"""What a router process is told by its environment."""

from pydantic import Field

from shared.settings import SealingSettings


class RouterSettings(SealingSettings):
    """Settings of the router, beside those that every service has."""

    public_url: str | None = None
    """Where the world reaches this service, https://work.example.com: partners' links name it."""

    history_days: int = Field(default=90, ge=1, le=36_500)
    """How many days back decisions are kept, and everything that is needed to replay them."""
