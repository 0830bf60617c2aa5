import json
import stat
from pathlib import Path

import pytest

from deploy.cli.errors import CliError
from deploy.cli.place import Place


def test_nothing_started_yet_means_the_stable_ports(tmp_path: Path) -> None:
    place = Place(tmp_path, {})
    assert place.url("intake") == "http://127.0.0.1:8101"
    assert place.url("metrics") == "http://127.0.0.1:8104"
    assert place.smtp == ("127.0.0.1", 8125)


def test_a_started_installation_says_where_it_listens(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"router": 4711}))
    place = Place(tmp_path, {})
    assert place.url("router") == "http://127.0.0.1:4711"
    with pytest.raises(CliError, match="does not say where smtp listens"):
        assert place.smtp


def test_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"router": 4711}))
    environ = {
        "WAYPOST_ROUTER_URL": "https://router.example/",
        "WAYPOST_SMTP": "mail.example:25",
        "WAYPOST_KAFKA_BOOTSTRAP": "kafka.example:9092",
        "WAYPOST_DATABASE_OWNER_URL": "postgresql://owner@db.example/router",
        "WAYPOST_WORKSPACE": "acme",
    }
    place = Place(tmp_path, environ)
    assert place.url("router") == "https://router.example"
    assert place.smtp == ("mail.example", 25)
    assert place.kafka == "kafka.example:9092"
    assert place.owner_url("router") == "postgresql://owner@db.example/router"
    assert place.workspace_id == "acme"


def test_a_mail_server_without_port_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="host:port"):
        assert Place(tmp_path, {"WAYPOST_SMTP": "mail.example"}).smtp


def test_the_workspace_that_was_applied_last_is_meant(tmp_path: Path) -> None:
    place = Place(tmp_path, {})
    assert place.workspace_id == "demo"
    place.remember_workspace("acme")
    assert place.workspace_id == "acme"


def test_values_of_the_data_folder_are_kept_and_the_environment_wins(tmp_path: Path) -> None:
    Place(tmp_path, {}).offer_values({"URL": "first", "SECRET": "a=b"})
    Place(tmp_path, {}).offer_values({"URL": "second"})
    assert Place(tmp_path, {}).values == {"URL": "first", "SECRET": "a=b"}
    assert Place(tmp_path, {"URL": "mine"}).values["URL"] == "mine"
    assert stat.S_IMODE((tmp_path / "workspace.env").stat().st_mode) == 0o600
