"""DDL of the shared tables, for each service's first migration."""

from collections.abc import Iterator
from pathlib import Path


def create_v1() -> Iterator[str]:
    """The shared tables with their fences, as statements to execute."""
    script = Path(__file__).with_name("kernel_v1.sql").read_text()
    yield from (statement for part in script.split(";\n") if (statement := part.strip()))
