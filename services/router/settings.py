"""What a router process is told by its environment."""

from urllib.parse import urlsplit

from pydantic import Field

from shared.errors import UnsafeSettings
from shared.settings import SealingSettings


class RouterSettings(SealingSettings):
    """Settings of the router, beside those that every service has."""

    public_url: str | None = None
    """Where the world reaches this service, https://work.example.com: partners' links name it and need it."""

    history_days: int = Field(default=90, ge=1, le=36_500)
    """How many days back decisions are kept, and everything that is needed to replay them."""

    def refuse_unsafe(self) -> None:
        """Raises UnsafeSettings where development defaults would serve real customers, or links lead nowhere."""
        super().refuse_unsafe()
        if self.environment != "development" and self.public_url and not _is_public_url(self.public_url):
            raise UnsafeSettings("WAYPOST_PUBLIC_URL must be like https://work.example.com")


def _is_public_url(url: str) -> bool:
    """Whether links may begin with it. Its port and path are the operator's: proxies stand in front."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_host and parts.scheme == "https" and "@" not in parts.netloc and not (parts.query or parts.fragment)
