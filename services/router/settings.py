"""What a router process is told by its environment."""

from shared.settings import SealingSettings


class RouterSettings(SealingSettings):
    """Settings of the router, beside those that every service has."""

    public_url: str | None = None
    """Where the world reaches this service, https://work.example.com: partners' links name it."""
