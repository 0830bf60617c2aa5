"""`python -m deploy.local up`, `status` and `reset`."""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from deploy.local.console import Console
from deploy.local.errors import LocalError
from deploy.local.folder import hold, holder
from deploy.local.ports import is_taken
from deploy.local.service import ROOT
from deploy.local.supervisor import Supervisor
from deploy.local.waypost import PORT_BASE, Ports, System, stable_ports, unused_ports


def up(data: Path, ports: Ports) -> int:
    """Runs the whole system until it is told to stop."""
    console = Console()
    with hold(data) as folder:
        system = System(folder, ports, os.environ, console)
        system.require_ports()
        return Supervisor(
            console,
            servers=system.servers,
            services=system.services,
            ready=system.ready,
            keep_open=[folder.lock],
        ).run()


def status(data: Path) -> int:
    """Says what runs; 0 if a supervisor does."""
    pid = holder(data)
    if pid is None:
        print(f"Nothing runs in {data}.")
        return 1
    print(f"Process {pid} runs Waypost in {data}.")
    try:
        ports: Ports = json.loads((data / "ports.json").read_text())
    except FileNotFoundError:
        print("It is starting.")
        return 0
    for name, port in ports.items():
        print(f"  {name:<16} {port}  {'answers' if is_taken(port) else 'does not answer'}")
    return 0


def reset(data: Path) -> int:
    """Forgets everything that was stored."""
    if not (data / "lock").exists():
        print(f"There is no data in {data}.")
        return 0
    with hold(data):
        shutil.rmtree(data)
    print(f"Removed {data}.")
    return 0


def port_plan(text: str) -> Ports:
    """`free`, or the base above which the stable ports lie."""
    return unused_ports() if text == "free" else stable_ports(int(text))


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("command", choices=("up", "status", "reset"))
    parser.add_argument("--data", type=Path, default=ROOT / ".waypost", help="the data folder")
    parser.add_argument(
        "--ports",
        type=port_plan,
        default=os.environ.get("WAYPOST_PORT_BASE", str(PORT_BASE)),
        help="`free`, or a base: intake gets base + 1, and so on (also WAYPOST_PORT_BASE)",
    )
    options = parser.parse_args()
    data = options.data.resolve()
    try:
        match options.command:
            case "up":
                return up(data, options.ports)
            case "status":
                return status(data)
            case _:
                return reset(data)
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before there was anything to stop
        return 130


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # A download that was still under way when everything else had stopped is not waited for.
    os._exit(code)
