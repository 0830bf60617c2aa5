import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local.folder import hold, holder
from deploy.local.ports import free_ports
from tests.integration.deploy.running import CTRL_C, Running, eventually, is_alive

TOY = ("-m", "tests.integration.deploy.toy_system")
UP = ("-m", "deploy.local", "up")


def a_system(data: Path, *behaviours: str, servers: bool = False, terminal: bool = False) -> Running:
    return Running(*TOY, str(data), "servers" if servers else "-", *behaviours, terminal=terminal)


def pid_of(system: Running, name: str, *, times: int = 1) -> int:
    return int(system.wait_for(rf"{name} runs as (\d+)", times=times)[1])


def test_prefixes_every_line_with_its_service(tmp_path: Path) -> None:
    with a_system(tmp_path, "good", "good") as system:
        system.wait_for(r"^toy0       \| toy0 runs as")
        system.wait_for(r"^toy1       \| toy1 runs as")
        system.wait_for(r"^toy        \| all ready")


def test_killed_service_is_back_within_three_seconds(tmp_path: Path) -> None:
    with a_system(tmp_path, "good") as system:
        first = pid_of(system, "toy0")
        system.wait_for("all ready")
        killed = time.monotonic()
        os.kill(first, signal.SIGKILL)
        assert pid_of(system, "toy0", times=2) != first
        assert time.monotonic() - killed < 3
        system.wait_for(r"toy0 .* ended by SIGKILL; starting it again in 0.2 s")


def test_what_a_killed_service_had_started_goes_too(tmp_path: Path) -> None:
    with a_system(tmp_path, "has-child") as system:
        child = int(system.wait_for(r"child (\d+)")[1])
        os.kill(pid_of(system, "toy0"), signal.SIGKILL)
        eventually(lambda: not is_alive(child))


def test_service_that_ends_early_is_started_at_growing_intervals(tmp_path: Path) -> None:
    with a_system(tmp_path, "crashes") as system:
        for pause in ("0.2", "0.4", "0.8"):
            system.wait_for(rf"ended with exit code 3; starting it again in {pause} s")


def test_ctrl_c_on_a_terminal_stops_in_order(tmp_path: Path) -> None:
    with a_system(tmp_path, "good", terminal=True) as system:
        system.wait_for("all ready")
        system.press(CTRL_C)
        assert system.exit_code() == 0
    # SIGTERM from the supervisor, not the terminal's SIGINT.
    assert [match[1] for match in system.find("toy0 got (SIG[A-Z]+)")] == ["SIGTERM"]
    assert system.find("toy0 closes")
    assert system.find("\033\\[3")  # in colour
    assert holder(tmp_path) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_each_signal_stops_it(tmp_path: Path, number: int) -> None:
    with a_system(tmp_path, "good") as system:
        system.wait_for("all ready")
        system.send(number)
        assert system.exit_code() == 0
        assert system.find("toy0 closes")


def test_stops_on_ctrl_c_as_a_background_job(tmp_path: Path) -> None:
    ignoring = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
    with Running(*TOY, str(tmp_path), "-", "good", prefix=ignoring) as system:
        system.wait_for("all ready")
        system.send(signal.SIGINT)
        assert system.exit_code() == 0


def test_closed_terminal_stops_it(tmp_path: Path) -> None:
    # The first process on it gets the SIGHUP and, like make, keeps it to itself.
    like_make = ("sh", "-c", 'trap : HUP; "$@"; exit', "sh")
    with Running(*TOY, str(tmp_path), "-", "good", terminal=True, prefix=like_make) as system:
        system.wait_for("all ready")
        toy = pid_of(system, "toy0")
        system.send(signal.SIGKILL)  # the terminal
        eventually(lambda: not is_alive(toy) and holder(tmp_path) is None)


def test_second_ctrl_c_does_not_wait_for_a_stubborn_service(tmp_path: Path) -> None:
    with a_system(tmp_path, "stubborn", terminal=True) as system:
        system.wait_for("all ready")
        system.press(CTRL_C)
        system.wait_for("toy0 got SIGTERM")
        again = time.monotonic()
        system.press(CTRL_C)
        assert system.exit_code() == 0
        assert time.monotonic() - again < 3


def test_ctrl_c_during_the_start_stops_the_servers_that_have_started(tmp_path: Path) -> None:
    with a_system(tmp_path, "good", servers=True) as system:
        system.wait_for(r"postgres .* ready")
        system.send(signal.SIGINT)
        assert system.exit_code() == 0
        assert not system.find("toy0 runs")
    assert holder(tmp_path) is None


def test_services_stop_before_kafka_and_kafka_before_postgres(tmp_path: Path) -> None:
    with a_system(tmp_path, "good", servers=True) as system:
        system.wait_for("all ready", within_s=40)
        kafka, postgres = pid_of(system, "kafka"), pid_of(system, "postgres")
        # Either is brought back when it is killed.
        os.kill(postgres, signal.SIGKILL)
        system.wait_for(r"postgres .* ready", times=2)
        system.send(signal.SIGTERM)
        eventually(lambda: not is_alive(kafka))
        assert system.exit_code() == 0
    stopped = [match[1] for match in system.find(r"^(\w+) .*\| stopped")]
    assert stopped == ["toy0", "kafka", "postgres", "waypost"]


def test_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    with a_system(tmp_path, "good", servers=True) as system:
        system.wait_for("all ready", within_s=40)
        left = [pid_of(system, name) for name in ("postgres", "kafka", "toy0")]
        assert all(map(is_alive, left))
        system.send(signal.SIGKILL)
        eventually(lambda: not any(map(is_alive, left)))
    with hold(tmp_path):
        pass  # and the folder is free


def test_second_supervisor_of_a_folder_is_refused(tmp_path: Path) -> None:
    with hold(tmp_path), Running(*UP, "--data", str(tmp_path), "--ports", "free") as second:
        assert second.exit_code() == 1
        assert second.find(f"in use by process {os.getpid()}")


def test_taken_port_is_named_with_its_process(tmp_path: Path) -> None:
    base = free_ports(1)[0] - 1
    with Running("-m", "http.server", "--bind", "127.0.0.1", str(base + 1)) as other:
        other.wait_for("Serving")
        with Running(*UP, "--data", str(tmp_path), "--ports", str(base)) as system:
            assert system.exit_code() == 1
            assert system.find(
                rf"Port {base + 1}, which intake needs, is taken by python.* \(process {other.pid}\)"
            )


def test_reset_forgets_the_data_and_spares_a_running_system(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with hold(data):
        reset = subprocess.run([sys.executable, "-m", "deploy.local", "reset", "--data", data], check=False)
        assert reset.returncode == 1
    subprocess.run([sys.executable, "-m", "deploy.local", "reset", "--data", data], check=True)
    assert not data.exists()
