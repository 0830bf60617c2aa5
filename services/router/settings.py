"""What a router process is told by its environment."""

from pydantic import Field

from shared.errors import UnsafeSettings
from shared.settings import SealingSettings, is_public_url


class RouterSettings(SealingSettings):
    """Settings of the router, beside those that every service has."""

    public_url: str | None = None
    """Where the world reaches this service, https://work.example.com: partners' links name it and need it."""

    history_days: int = Field(default=90, ge=1, le=36_500)
    """How many days back decisions are kept, and everything that is needed to replay them."""

    def refuse_unsafe(self) -> None:
        """Raises UnsafeSettings where development defaults would serve real customers, or links lead nowhere."""
        super().refuse_unsafe()
        if self.environment != "development" and self.public_url and not is_public_url(self.public_url):
            raise UnsafeSettings("WAYPOST_PUBLIC_URL must be like https://work.example.com")
