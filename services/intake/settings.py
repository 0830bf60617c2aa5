"""What an intake process is told by its environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.errors import UnsafeSettings
from shared.settings import SealingSettings


class IntakeSettings(SealingSettings):
    """Settings of intake, beside those that every service has."""

    public_url: str | None = None
    """Where the world reaches this service, https://support.example.com: vendors sign it, links name it."""

    twilio_url: str = "https://api.twilio.com"
    """Where Twilio takes messages, and lists those that came."""

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

    blob_folder: Path | None = None
    """Folder that keeps raw mails and attachments, the same for all processes of intake and for nobody else."""

    blob_url: str | None = None
    """An object store that keeps them instead: s3://bucket/prefix."""

    blob_endpoint: str | None = None
    """Address of an object store that is not Amazon's, such as https://minio.example.com."""

    blob_region: str = "us-east-1"
    """Region of the bucket."""

    blob_access_key: SecretStr | None = None
    """Key of the object store. Without one its library asks the machine it runs on, as Amazon's programs do."""

    blob_secret_key: SecretStr | None = None
    """The secret that belongs to the key."""

    blob_row_max_bytes: int = Field(default=16_384, ge=0, le=1_048_576)
    """Bytes up to so many stay in the database and cost no file. Without a folder or object store all do."""

    egress_allow: tuple[str, ...] = ()
    """host:port of servers that may be gone to though they are not public, or not by https: media, mailboxes."""

    imap_idle_s: float = Field(default=540.0, gt=0, le=1740)
    """For how long a mail server is left to tell by itself what is new in a mailbox, before it is asked again."""

    imap_poll_s: float = Field(default=60.0, gt=0, le=86_400)
    """After so long a mailbox is looked into, whatever its server tells."""

    imap_ca_file: Path | None = None
    """Certificates of authorities that mail servers and issuers of tokens may have, beside those of the system."""

    media_max_bytes: int = Field(default=41_943_040, ge=1024, le=104_857_600)
    """Largest file that is fetched from a provider."""

    parser_workers: int = Field(default=2, ge=1, le=16)
    """Processes that read mail at one time. They are started when the first mail comes."""

    parser_cpu_s: int = Field(default=5, ge=1, le=60)
    """Seconds of a processor that reading one mail may take; by the clock it may be four times as many."""

    chat_connections: int = Field(default=5000, ge=1)
    """Most visitors' connections of this process."""

    chat_connections_of_workspace: int = Field(default=2000, ge=1)
    """Most of them that one workspace may have."""

    chat_slow_after_s: float = Field(default=10.0, gt=0)
    """How long a frame may take to leave until its visitor is dropped, to resume later."""

    acks_an_hour: int = Field(default=3, ge=1, le=1000)
    """Most automatic acknowledgements that one recipient gets in an hour, over all workspaces.

    Where a visitor of a chat has named the address and nobody vouches for it, all automatic mail counts.
    """

    notices_an_hour: int = Field(default=12, ge=1, le=1000)
    """The same of all other notices and surveys."""

    callbacks_an_hour: int = Field(default=60, ge=1, le=1000)
    """Most callers whom one workspace tells in an hour, by text, that their call was seen."""

    attachment_max_bytes: int = Field(default=20_971_520, ge=1024, le=41_943_040)
    """Largest file, and largest sum of files, that goes with a reply."""

    outbound_smtp_url: SecretStr | None = None
    """The server that mail leaves by: smtp://user:password@host:port, or smtps://. Without one mail waits."""

    def refuse_unsafe(self) -> None:
        """Raises UnsafeSettings where a development default would serve real customers."""
        super().refuse_unsafe()
        if self.blob_folder is not None and self.blob_url is not None:
            raise UnsafeSettings("set WAYPOST_BLOB_FOLDER or WAYPOST_BLOB_URL: mails are kept in one place")
