"""The settings that every service shares. Each field is the environment variable `WAYPOST_<FIELD>`."""

import socket
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import UnsafeSettings
from shared.events.catalog import SHARDS
from shared.telemetry.logging import LogFormat

_DEVELOPMENT_SECRET = "development-only-secret-change-me"  # noqa: S105 - refused outside development
_DEVELOPMENT_KEY = "development-only-credentials-key"


class Settings(BaseSettings):
    """What a service process is told by its environment."""

    model_config = SettingsConfigDict(
        env_prefix="WAYPOST_", extra="ignore", use_attribute_docstrings=True, frozen=True
    )

    environment: Literal["development", "production"] = "production"
    """`development` allows what is convenient and unsafe: built-in secrets, keys made on the spot."""

    database_url: SecretStr
    """The service's own database, as its unprivileged login role: postgresql://role:password@host:port/name."""

    database_owner_url: SecretStr | None = None
    """The same database as its owner. When set, the service migrates it at start."""

    database_pool_size: int = Field(default=10, ge=2)
    """Connections to the database."""

    kafka_bootstrap: str
    """Brokers to ask first, host:port[,host:port]."""

    topic_prefix: str = "waypost"
    """Topics are called `{prefix}.tickets` and so on: two installations can share a broker."""

    shards: int = Field(default=SHARDS, ge=1, le=1024)
    """Partitions of each topic and shards of each service. Fixed when an installation first starts."""

    holder: str = Field(default_factory=socket.gethostname)
    """This process's name among those of its service: the same after a restart, and nobody else's."""

    http_host: str = "0.0.0.0"  # noqa: S104 - a container listens on all its addresses
    """Address to listen on."""

    http_port: int = 8080
    """Port to listen on; 0 lets the kernel choose."""

    http_owner_url: str | None = None
    """Where other processes of this service reach this one; by default http://{host}:{port}."""

    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call the API, such as the console's."""

    jwks_file: Path | None = None
    """Public keys that tokens are verified with, as a JWKS file. It is read again when it changes."""

    jwks_url: str | None = None
    """The same from an OIDC issuer."""

    token_issuer: str = "waypost"  # noqa: S105 - not a secret
    """The `iss` that tokens must have."""

    token_audience: str = "waypost"  # noqa: S105 - not a secret
    """The `aud` that tokens must have."""

    secret: SecretStr = SecretStr(_DEVELOPMENT_SECRET)
    """What reply addresses and links are signed with, at least 32 characters."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe lines to write."""

    log_format: LogFormat = "auto"
    """`json`, `console`, or by whether stdout is a terminal."""

    def refuse_unsafe(self) -> None:
        """Raises UnsafeSettings where a development default would serve real customers."""
        if self.environment == "development":
            return
        secret = self.secret.get_secret_value()
        if secret == _DEVELOPMENT_SECRET or len(secret) < 32:
            raise UnsafeSettings("WAYPOST_SECRET must be set, to at least 32 characters")
        if self.jwks_file is None and self.jwks_url is None:
            raise UnsafeSettings("WAYPOST_JWKS_FILE or WAYPOST_JWKS_URL must be set")


class SealingSettings(Settings):
    """Settings of services whose configuration holds secrets."""

    credentials_key: SecretStr = SecretStr(_DEVELOPMENT_KEY)
    """What secrets of the configuration are sealed with in the database, at least 32 characters."""

    def refuse_unsafe(self) -> None:
        """Raises UnsafeSettings where a development default would serve real customers."""
        super().refuse_unsafe()
        key = self.credentials_key.get_secret_value()
        if self.environment != "development" and (key == _DEVELOPMENT_KEY or len(key) < 32):
            raise UnsafeSettings("WAYPOST_CREDENTIALS_KEY must be set, to at least 32 characters")


def is_public_url(url: str) -> bool:
    """Whether links may begin with it. Its port and path are the operator's: proxies stand in front."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_host and parts.scheme == "https" and "@" not in parts.netloc and not (parts.query or parts.fragment)
