"""What an escalation process is told by its environment."""

from pydantic import Field, SecretStr

from shared.errors import UnsafeSettings
from shared.settings import SealingSettings, is_public_url


class EscalationSettings(SealingSettings):
    """Settings of escalation, beside those that every service has."""

    public_url: str | None = None
    """Where the world reaches this service, https://alerts.example.com: links that lead here need it."""

    outbound_smtp_url: SecretStr | None = None
    """The mail server that takes notifications to staff, `smtp://user:password@host:port`; none: no mail."""

    mail_from: str = "Waypost <waypost@localhost>"
    """The From of notifications to staff."""

    notifications_days: int = Field(default=90, ge=1, le=3650)
    """How many days back notifications that are over are kept, with the evidence of their delivery."""

    feed_every_s: int = Field(default=3600, ge=60)
    """How often each feed of a calendar is fetched, in seconds."""

    audit_every_s: float = Field(default=60, ge=0.1)
    """How often all timers are worked out anew and compared, in seconds; many take longer than that."""

    def refuse_unsafe(self) -> None:
        """Raises UnsafeSettings where development defaults would serve real customers, or links lead nowhere."""
        super().refuse_unsafe()
        if self.environment != "development" and self.public_url and not is_public_url(self.public_url):
            raise UnsafeSettings("WAYPOST_PUBLIC_URL must be like https://alerts.example.com")
