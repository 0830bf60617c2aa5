"""HTTP clients for services on this machine."""

import ssl

import httpx

from shared.http_client import Client

# Every client makes a context, and loading the authorities' certificates into it takes longer than many requests.
_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(base_url: str = "", *, bearer: str = "", timeout_s: float = 20) -> httpx.AsyncClient:
    """A client, with this token if there is one."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return Client(base_url=base_url, headers=headers, timeout=timeout_s, verify=_NO_AUTHORITIES)
