"""What a place for bytes has to do: keep them once it says so, and give back what it kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.db.workspaces import is_workspace_id

PREFIXES = 256
"""Into how many parts the places of a workspace fall, by the first byte of the hash."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where bytes lie.

    location: a UUIDv7, new each time bytes are put anywhere. Nobody who puts the same bytes there again gets this
    place: so it can be emptied once the database says that it is not used, and it says when it was made.
    """

    workspace_id: str
    sha256: bytes
    location: UUID

    @property
    def folder(self) -> str:
        """`{workspace}/{first byte of the hash}`. Raises ValueError for what cannot be a workspace."""
        return folder_of(self.workspace_id, self.sha256[0])

    @property
    def name(self) -> str:
        """`{hash}-{location}`."""
        return f"{self.sha256.hex()}-{self.location.hex}"

    @property
    def path(self) -> str:
        """The whole name."""
        return f"{self.folder}/{self.name}"

    @property
    def made_ms(self) -> int:
        """When it was made, in milliseconds since 1970."""
        return self.location.int >> 80


class Shelf(Protocol):
    """A place for bytes that many processes share."""

    async def put(self, contents: Mapping[Place, bytes]) -> None:
        """Keeps bytes; they outlive a crash of the machine when this returns.

        Raises Unavailable: then nothing is being written any more, and some of them may be there.
        """
        ...

    async def get(self, place: Place) -> bytes | None:
        """The bytes, None where there are none. Raises Unavailable."""
        ...

    async def remove(self, places: Collection[Place]) -> None:
        """Empties places; one that is empty stays so. Raises Unavailable."""
        ...

    async def places(self, workspace_id: str, prefix: int) -> Sequence[Place]:
        """Every place in use of a workspace whose hashes begin with this byte. Raises Unavailable."""
        ...

    async def owner(self, home: UUID) -> UUID:
        """Whose shelf this is: ours from now on, if it was nobody's. Raises Unavailable."""
        ...

    def close(self) -> None:
        """Ends what was opened."""
        ...


def folder_of(workspace_id: str, prefix: int) -> str:
    """Where the places of a workspace lie whose hashes begin with this byte."""
    if not is_workspace_id(workspace_id):
        raise ValueError("this names no workspace")
    return f"{workspace_id}/{prefix:02x}"


def place_of(workspace_id: str, name: str) -> Place | None:
    """The place that a name stands for; None for a name that we did not give."""
    sha256, _, location = name.partition("-")
    if len(sha256) != 64 or len(location) != 32:
        return None
    try:
        return Place(workspace_id, bytes.fromhex(sha256), UUID(hex=location))
    except ValueError:
        return None
