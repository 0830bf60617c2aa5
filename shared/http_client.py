"""The client of HTTP that everything here uses, whose event loop is uvloop's."""

from typing import Any

import httpx


class Client(httpx.AsyncClient):
    """As httpx's own, and a connection that is lost while it is being made is a ConnectError here too."""

    async def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """Sends a request as httpx does. Raises nothing but its HTTPError, InvalidURL and the like.

        how: whatever httpx takes beside the request, whose types it does not publish
        """
        try:
            return await super().send(request, **how)
        except AttributeError as error:
            # anyio asks the socket of a new connection for its peer's name. uvloop has no socket any more where
            # the peer has reset the connection meanwhile, as one does that was killed. Nothing was sent yet.
            if error.name != "getpeername" or error.obj is not None:
                raise
            raise httpx.ConnectError("the connection was lost while it was made", request=request) from error
