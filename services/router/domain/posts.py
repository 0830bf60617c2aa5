"""Where an agent stands: the classes that they are in, by queue and channel.

An agent with many skills is in hundreds of classes, but in few posts. In all classes of a post they have the same
rank, and can be asked, or not, for the same reason. So that is asked once a post, and of its classes only what
waits first is compared (see `foremost`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.router.domain.matching import RequirementClass
from services.router.domain.work_item import Only
from shared.vocabulary import ChannelKind

Post = tuple[str, ChannelKind, Only | None]
"""A queue, a channel kind, and whom the work there is held for."""


@dataclass(slots=True)
class Posts:
    """An agent's classes. No post is without one."""

    classes: dict[Post, list[RequirementClass]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[list[RequirementClass]]:
        """The classes of each post."""
        return iter(self.classes.values())

    def add(self, found: RequirementClass) -> None:
        """The agent is in this class as well."""
        self.classes.setdefault(_post(found), []).append(found)

    def remove(self, found: RequirementClass) -> None:
        """A class that they are in is gone."""
        post = _post(found)
        self.classes[post].remove(found)
        if not self.classes[post]:
            del self.classes[post]


def _post(found: RequirementClass) -> Post:
    return found.requirements.queue, found.kind, found.only
