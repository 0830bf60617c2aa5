"""What an escalation process is told by its environment."""

from pydantic import SecretStr

from shared.settings import SealingSettings


class EscalationSettings(SealingSettings):
    """Settings of escalation, beside those that every service has."""

    public_url: str | None = None
    """Where the world reaches this service, https://alerts.example.com: links to acknowledge need it."""

    outbound_smtp_url: SecretStr | None = None
    """The mail server that takes notifications to staff, `smtp://user:password@host:port`; none: no mail."""

    mail_from: str = "Waypost <waypost@localhost>"
    """The From of notifications to staff."""
