"""What the figures were measured on."""

import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

from deploy.local.postgres import binaries

LIBRARIES = ("fastapi", "uvicorn", "uvloop", "SQLAlchemy", "asyncpg", "aiokafka")
KAFKA_LOCK = Path(__file__).parents[2] / "deploy" / "local" / "kafka.lock"


def describe() -> Mapping[str, str]:
    """The machine and the versions, in words."""
    return {
        "Processor": f"{_processor()}, {psutil.cpu_count()} cores",
        "Memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "System": f"{platform.system()} {platform.release()} on {platform.machine()}",
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "PostgreSQL": f"{_postgres()}, one server on the same machine, commits flushed to disk as by default",
        "Kafka": f"{_kafka()}, one broker on the same machine, 12 partitions a topic",
        "Libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _postgres() -> str:
    said = subprocess.run([binaries() / "postgres", "--version"], check=True, capture_output=True, text=True)
    return said.stdout.split()[-1]


def _kafka() -> str:
    """The broker's version, as its lock has it."""
    for line in KAFKA_LOCK.read_text(encoding="utf-8").splitlines():
        for word in line.split():
            parts = word.split(":")
            if parts[:2] == ["org.apache.kafka", "kafka_2.13"]:
                return parts[2]
    return "of unknown version"
