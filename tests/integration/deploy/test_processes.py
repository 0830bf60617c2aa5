import signal
import subprocess
import threading
from pathlib import Path

import pytest

from deploy.local.processes import Child, Command, spawn
from tests.integration.deploy.running import Running, eventually, is_alive

STARTER = """
import signal, subprocess
from deploy.local.processes import Command, spawn
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = spawn(Command(["sleep", "600"]), output=subprocess.DEVNULL, guard={guard})
print("child", child.pid, flush=True)
child.ended.wait()
print("ended with", child.exit_code, flush=True)
"""


def is_sleep(pid: int) -> bool:
    """Whether it has become the program, which it does only once it is tied to its starter."""
    return Path(f"/proc/{pid}/comm").read_text() == "sleep\n"


@pytest.mark.parametrize("guard", [False, True])
def test_child_ends_when_its_starter_is_killed(*, guard: bool) -> None:
    with Running("-c", STARTER.format(guard=guard)) as starter:
        child = int(starter.wait_for(r"child (\d+)")[1])
        eventually(lambda: is_sleep(child))
        starter.send(signal.SIGKILL)
        eventually(lambda: not is_alive(child))


def test_child_does_not_start_without_its_starter() -> None:
    with Running("-c", STARTER.format(guard=False)) as starter:
        child = int(starter.wait_for(r"child (\d+)")[1])
        starter.send(signal.SIGKILL)  # most often before the child is tied to it
        eventually(lambda: not is_alive(child))


def test_child_can_be_interrupted_though_its_starter_cannot() -> None:
    with Running("-c", STARTER.format(guard=False)) as starter:
        child = int(starter.wait_for(r"child (\d+)")[1])
        eventually(lambda: is_sleep(child))
        subprocess.run(["kill", "-INT", str(child)], check=True)
        starter.wait_for("ended with -2")


@pytest.mark.parametrize("guard", [False, True])
def test_child_outlives_the_thread_that_asked_for_it(*, guard: bool) -> None:
    children: list[Child] = []

    def ask() -> None:
        children.append(spawn(Command(["sleep", "600"]), output=subprocess.DEVNULL, guard=guard))
        eventually(lambda: is_sleep(children[0].pid))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert not children[0].ended.wait(0.3)
    children[0].stop(signal.SIGTERM, within_s=5)
    assert children[0].exit_code == -signal.SIGTERM


def test_missing_program_is_named() -> None:
    child = spawn(Command(["no-such-program"]), output=subprocess.PIPE)
    child.ended.wait(5)
    assert child.output
    with child.output as output:
        assert output.read() == b"no-such-program: No such file or directory\n"
    assert child.exit_code == 1
