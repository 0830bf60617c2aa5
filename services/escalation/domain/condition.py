"""Conditions on a ticket, compiled from what the configuration says."""

from collections.abc import Mapping
from typing import Protocol

Variables = Mapping[str, Mapping[str, object]]
"""What a condition reads: `ticket`, `customer` and `channel`, each with its fields."""


class Condition(Protocol):
    """A compiled condition."""

    def holds(self, variables: Variables) -> bool:
        """Whether it holds."""
        ...
