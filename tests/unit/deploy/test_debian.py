import os
import shutil
from collections.abc import Sequence

import pytest

from deploy.local import debian
from deploy.local.debian import NotInstalled, ensure, find


class Apt:
    """Notes what it is asked for, and fails as often as it is told to."""

    def __init__(self, *, failures: int = 0) -> None:
        self.asked: list[str] = []
        self._failures = failures

    def run(self, command: Sequence[str]) -> None:
        self.asked.append(" ".join(command))
        if self._failures:
            self._failures -= 1
            raise NotInstalled("cannot")


def test_what_is_there_costs_nothing() -> None:
    apt = Apt()
    assert ensure({"sh": "dash"}, run=apt.run) == []
    assert apt.asked == []


def as_root(monkeypatch: pytest.MonkeyPatch, *, apt: str | None = "/usr/bin/apt-get", uid: int = 0) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: apt if name == "apt-get" else None)


@pytest.fixture(autouse=True)
def _policy(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setattr(debian, "POLICY", tmp_path_factory.mktemp("sbin") / "policy-rc.d")


def test_what_is_missing_is_installed_in_one_go_and_no_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    as_root(monkeypatch)
    started: list[bool] = []
    apt = Apt()

    def run(command: Sequence[str]) -> None:
        started.append(not debian.POLICY.exists())
        apt.run(command)

    assert ensure({"dovecot": "dovecot-imapd", "chromium": "chromium"}, run=run) == ["chromium", "dovecot-imapd"]
    assert apt.asked == ["apt-get install --yes --quiet --no-install-recommends chromium dovecot-imapd"]
    assert started == [False]
    assert not debian.POLICY.exists()


def test_what_a_killed_run_left_behind_is_removed_by_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    as_root(monkeypatch)

    left: list[str] = []
    ensure({"dovecot": "dovecot-imapd"}, run=lambda _: left.append(debian.POLICY.read_text()))
    debian.POLICY.write_text(left[0])
    monkeypatch.setattr(shutil, "which", lambda name, path=None: f"/usr/bin/{name}")
    assert ensure({"dovecot": "dovecot-imapd"}, run=Apt().run) == []
    assert not debian.POLICY.exists()


def test_a_policy_of_the_machine_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    as_root(monkeypatch)
    debian.POLICY.write_text("#!/bin/sh\nexit 0\n")
    ensure({"dovecot": "dovecot-imapd"}, run=Apt().run)
    assert debian.POLICY.read_text() == "#!/bin/sh\nexit 0\n"


def test_old_lists_are_fetched_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    as_root(monkeypatch)
    apt = Apt(failures=1)
    ensure({"dovecot": "dovecot-imapd"}, run=apt.run)
    assert [line.split()[1] for line in apt.asked] == ["install", "update", "install"]


@pytest.mark.parametrize(("apt", "uid"), [(None, 0), ("/usr/bin/apt-get", 1000)])
def test_who_cannot_install_is_told_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, apt: str | None, uid: int
) -> None:
    as_root(monkeypatch, apt=apt, uid=uid)
    with pytest.raises(NotInstalled, match="apt-get install chromium dovecot-imapd"):
        ensure({"dovecot": "dovecot-imapd", "chromium": "chromium"}, run=Apt().run)


def test_programs_are_found_beside_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find("policy-does-not-exist") is None
    assert find("nologin") == "/usr/sbin/nologin"
