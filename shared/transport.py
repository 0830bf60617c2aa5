"""How the clients of HTTP connect, whose loop may be uvloop's."""

import httpx


class Transport(httpx.AsyncHTTPTransport):
    """As httpx's own, and a connection that is lost while it is being made is a ConnectError here too.

    Takes what that one takes. A client with a transport of its own asks no proxies of the environment.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request. Raises only what httpx says: subclasses of its HTTPError."""
        try:
            return await super().handle_async_request(request)
        except AttributeError as error:
            # anyio asks the socket of a new connection for its peer's name. uvloop has no socket any more where
            # the peer has reset the connection meanwhile, as one does that was killed. Nothing was sent yet.
            if error.name != "getpeername" or error.obj is not None:
                raise
            raise httpx.ConnectError("the connection was lost while it was made", request=request) from error
