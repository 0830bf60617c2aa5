"""What an intake process is told by its environment."""

from pydantic import Field, SecretStr

from shared.errors import UnsafeSettings
from shared.settings import Settings

_DEVELOPMENT_KEY = "development-only-credentials-key"


class IntakeSettings(Settings):
    """Settings of intake, beside those that every service has."""

    credentials_key: SecretStr = SecretStr(_DEVELOPMENT_KEY)
    """What the credentials of channels are sealed with in the database, at least 32 characters."""

    public_url: str | None = None
    """Where the world reaches this service, https://support.example.com: vendors sign it, links name it."""

    twilio_url: str = "https://api.twilio.com"
    """Where Twilio takes messages."""

    meta_url: str = "https://graph.facebook.com/v23.0"
    """Where Meta takes messages for WhatsApp."""

    slack_url: str = "https://slack.com/api"
    """Where Slack takes messages."""

    webhook_window_s: int = Field(default=300, ge=1, le=86_400)
    """How old, or how far ahead, a signed call of a provider may be, where its signature covers the time."""

    group_max_messages: int = Field(default=200, ge=1, le=1000)
    """Most messages that one commit covers. They gather only while the commit before is under way."""

    smtp_port: int | None = None
    """Port on which mail servers bring mail by SMTP; 0 lets the kernel choose, nothing leaves it out."""

    lmtp_port: int | None = None
    """The same by LMTP, which answers for each recipient."""

    smtp_host: str | None = None
    """Address of both; by default that of HTTP."""

    mail_max_bytes: int = Field(default=41_943_040, ge=1024, le=41_943_040)
    """Largest mail that is taken."""

    parser_workers: int = Field(default=2, ge=1, le=16)
    """Processes that read mail at one time. They are started when the first mail comes."""

    chat_connections: int = Field(default=5000, ge=1)
    """Most visitors' connections of this process."""

    chat_connections_of_workspace: int = Field(default=2000, ge=1)
    """Most of them that one workspace may have."""

    chat_slow_after_s: float = Field(default=10.0, gt=0)
    """How long a frame may take to leave until its visitor is dropped, to resume later."""

    outbound_smtp_url: SecretStr | None = None
    """The server that mail leaves by: smtp://user:password@host:port, or smtps://. Without one mail waits."""

    def refuse_unsafe(self) -> None:
        """Raises UnsafeSettings where a development default would serve real customers."""
        super().refuse_unsafe()
        key = self.credentials_key.get_secret_value()
        if self.environment != "development" and (key == _DEVELOPMENT_KEY or len(key) < 32):
            raise UnsafeSettings("WAYPOST_CREDENTIALS_KEY must be set, to at least 32 characters")
