"""Settings of the router that would serve nobody."""

import pytest

from services.router.settings import RouterSettings
from shared.errors import UnsafeSettings


def settings(public_url: str | None, environment: str = "production") -> RouterSettings:
    return RouterSettings.model_validate(
        {
            "environment": environment,
            "database_url": "postgresql://router",
            "kafka_bootstrap": "localhost:9092",
            "jwks_url": "https://id.example.com/jwks",
            "secret": "s" * 32,
            "credentials_key": "k" * 32,
            "public_url": public_url,
        }
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://work.example.com",
        "work.example.com",
        "https://",
        "https:///path",
        "https://user@work.example.com",
        "https://work.example.com:x",
        "https://work.example.com/?a=b",
        "https://work.example.com/#a",
        "https://work.example.com/ a",
        "https://work.example.com\n",
        "https://[::1",
    ],
)
def test_links_that_nobody_should_follow_are_refused_outside_development(url: str) -> None:
    with pytest.raises(UnsafeSettings, match="WAYPOST_PUBLIC_URL"):
        settings(url).refuse_unsafe()
    settings(url, "development").refuse_unsafe()


@pytest.mark.parametrize(
    "url", [None, "", "https://work.example.com", "https://work.example.com:8443/router/", "https://10.1.2.3"]
)
def test_without_partners_none_is_needed_and_any_place_behind_https_will_do(url: str | None) -> None:
    settings(url).refuse_unsafe()
