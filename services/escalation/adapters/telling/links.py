"""The links by which people take on what they were told of."""

from uuid import UUID

from shared.link_tokens import LinkTokens

PATH = "/a"


class TakeOnLinks:
    """Makes links. public_url: where the world reaches this service; none: messages have no link"""

    def __init__(self, tokens: LinkTokens, public_url: str | None) -> None:
        self._tokens = tokens
        self._public_url = public_url

    def of(self, workspace_id: str, message_id: UUID) -> str | None:
        """The link of a message: whoever has it takes on, as its recipient, everything that it tells of."""
        if self._public_url is None:
            return None
        return f"{self._public_url.rstrip('/')}{PATH}/{self._tokens.issue(workspace_id, message_id)}"
