"""What a router process is told by its environment."""

from shared.settings import Settings


class RouterSettings(Settings):
    """Settings of the router: those that every service has."""
