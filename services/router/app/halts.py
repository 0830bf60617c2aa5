"""Workspaces in which nothing that is due is decided any more, because a defect keeps it from being.

Were it tried again and again, every other workspace of the process would wait for that one.
"""

from collections.abc import Callable

from shared.errors import TransientError


class Halted(TransientError):
    """A workspace has just been halted. Without what is due there everything can go on, from the rows."""


class Halts:
    """The halted workspaces of a process. told: of each that is halted, and by which error"""

    def __init__(self, told: Callable[[str, Exception], None] = lambda *_: None) -> None:
        self._told = told
        self._workspaces: set[str] = set()

    def __contains__(self, workspace_id: str) -> bool:
        return workspace_id in self._workspaces

    def __len__(self) -> int:
        return len(self._workspaces)

    def halt(self, workspace_id: str, error: Exception) -> Halted:
        """Nothing is due there from now on; what to raise."""
        self._workspaces.add(workspace_id)
        self._told(workspace_id, error)
        return Halted(f"What is due in {workspace_id} cannot be decided.")

    def lift(self, workspace_id: str) -> None:
        """Something has changed that may have mended it: it is tried again."""
        self._workspaces.discard(workspace_id)
