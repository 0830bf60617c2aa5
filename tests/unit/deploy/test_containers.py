"""The compose file and the Dockerfile say what a careful operator would want."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.waypost import SERVICES

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()


def test_the_servers_are_the_official_images_of_the_versions_we_test_with() -> None:
    assert COMPOSE["services"]["postgres"]["image"] == "postgres:18"
    assert COMPOSE["services"]["kafka"]["image"] == "apache/kafka:4.3.0"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_confined_and_waits_for_its_servers(service: str) -> None:
    one = COMPOSE["services"][service]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert {name: wait["condition"] for name, wait in one["depends_on"].items()} == {
        "postgres": "service_healthy",
        "kafka": "service_healthy",
    }
    assert one["build"]["target"] == service
    assert f"AS {service}\n" in DOCKERFILE
    assert all(port.startswith("127.0.0.1:") for port in one["ports"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_logs_into_its_own_database_as_its_own_role(service: str) -> None:
    environment = COMPOSE["services"][service]["environment"]
    url, owner = environment["WAYPOST_DATABASE_URL"], environment["WAYPOST_DATABASE_OWNER_URL"]
    assert url.startswith(f"postgresql://waypost_{service}:")
    assert owner.startswith(f"postgresql://waypost_{service}_owner:")
    assert url.endswith(f"/waypost_{service}")
    assert environment["WAYPOST_ENVIRONMENT"] == "production"


def test_intake_is_told_where_the_world_reaches_it_and_may_go_nowhere_else_by_default() -> None:
    environment = COMPOSE["services"]["intake"]["environment"]
    assert environment["WAYPOST_PUBLIC_URL"] == "${WAYPOST_PUBLIC_URL:?set it in .env}"
    assert environment["WAYPOST_EGRESS_ALLOW"] == "${WAYPOST_EGRESS_ALLOW:-[]}"


def test_the_example_names_every_value_that_the_compose_file_asks_for() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    example = (ROOT / "deploy" / "docker" / "example.env").read_text()
    assert set(re.findall(r"\$\{(\w+):\?", text)) == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    assert set(re.findall(r"\$\{(\w+):-", text)) == set(re.findall(r"^# (\w+)=", example, re.MULTILINE))


def test_images_run_as_nobody_in_particular_and_carry_no_build_tools() -> None:
    final = DOCKERFILE.split("AS runtime", 1)[1]
    assert "USER 10001:10001" in final
    assert "HEALTHCHECK" in final
    assert "pip install" not in final
    assert "--require-hashes" in DOCKERFILE


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("WAYPOST_SECRET", "WAYPOST_CREDENTIALS_KEY", "WAYPOST_DATABASE_PASSWORD", "WAYPOST_JWKS"):
        assert f"${{{name}:?" in text
        assert f"${{{name}:-" not in text
