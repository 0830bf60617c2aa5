"""Settings of escalation that would serve nobody."""

import pytest

from services.escalation.settings import EscalationSettings
from shared.errors import UnsafeSettings


def settings(public_url: str | None, environment: str = "production") -> EscalationSettings:
    return EscalationSettings.model_validate(
        {
            "environment": environment,
            "database_url": "postgresql://escalation",
            "kafka_bootstrap": "localhost:9092",
            "jwks_url": "https://id.example.com/jwks",
            "secret": "s" * 32,
            "credentials_key": "k" * 32,
            "public_url": public_url,
        }
    )


def test_links_that_nobody_should_follow_are_refused_outside_development() -> None:
    with pytest.raises(UnsafeSettings, match="WAYPOST_PUBLIC_URL"):
        settings("http://alerts.example.com").refuse_unsafe()
    settings("http://localhost:8103", "development").refuse_unsafe()
    for url in (None, "", "https://alerts.example.com/staff"):
        settings(url).refuse_unsafe()
