"""What an intake process is told by its environment."""

from pydantic import Field, SecretStr

from shared.settings import Settings


class IntakeSettings(Settings):
    """Settings of intake, beside those that every service has."""

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

    outbound_smtp_url: SecretStr | None = None
    """The server that mail leaves by: smtp://user:password@host:port, or smtps://. Without one mail waits."""
