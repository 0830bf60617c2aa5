"""OAuth2 tokens that open mailboxes, got with a refresh token and used until shortly before they end."""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from services.intake.adapters.email.imap.errors import LoginRefused
from services.intake.adapters.outside import Outside, written
from services.intake.domain.mailbox import OAuth
from shared.clock import monotonic
from shared.egress import EgressRefused
from shared.errors import ProviderUnavailable
from shared.http_client import Client

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_EARLIER_S = 60.0
_DEFAULT_S = 300.0
_AT_MOST_S = 86_400
_MAX_BYTES = 65_536
_REFUSED = frozenset({400, 401, 403})


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token. until: by the monotonic clock; refresh_token: the next one, where the issuer has replaced it"""

    access_token: str = field(repr=False)
    until: float
    refresh_token: str | None = field(repr=False, default=None)

    @property
    def is_fresh(self) -> bool:
        """Whether it is good for a while."""
        return monotonic() < self.until


class TokenDoor:
    """Asks issuers for tokens. Their addresses are not ours to choose."""

    def __init__(self, outside: Outside, context: Callable[[], ssl.SSLContext]) -> None:
        self._outside = outside
        self._context = context

    async def ask(self, oauth: OAuth, refresh_token: str) -> Token:
        """A new token.

        Raises LoginRefused where the issuer says no, ProviderUnavailable where it says nothing.
        """
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": oauth.client_id,
            "client_secret": oauth.client_secret,
            **({"scope": oauth.scope} if oauth.scope else {}),
        }
        try:
            status, content = await self._post(oauth.token_url, form)
        except EgressRefused as error:
            raise LoginRefused(f"the token's issuer: {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ssl.SSLError) as error:
            raise ProviderUnavailable(f"the token's issuer: {type(error).__name__}") from error
        answer = _object(content)
        if status in _REFUSED:
            reason = answer.get("error")
            known = reason if isinstance(reason, str) and reason.replace("_", "").isalnum() else "no reason given"
            raise LoginRefused(f"the token's issuer says no: {known[:100]}")
        token, lasts, further = answer.get("access_token"), answer.get("expires_in"), answer.get("refresh_token")
        if status != 200 or not isinstance(token, str) or not token.isascii():
            raise ProviderUnavailable(f"the token's issuer answers {status}")
        lasts_s = float(min(max(0, lasts), _AT_MOST_S)) if isinstance(lasts, int | float) else _DEFAULT_S
        return Token(
            access_token=token,
            until=monotonic() + lasts_s - min(_EARLIER_S, lasts_s / 2),
            refresh_token=further if isinstance(further, str) and further != refresh_token else None,
        )

    async def _post(self, url: str, form: dict[str, str]) -> tuple[int, bytes]:
        target = self._outside.target(url)
        address = await self._outside.address(target.host, target.port)
        port = f":{target.parts.port}" if target.parts.port else ""
        # One request an hour: a client of its own, which is known by its name's certificate.
        async with Client(verify=self._context(), timeout=_TIMEOUT, trust_env=False) as client:
            request = client.build_request(
                "POST",
                target.parts._replace(netloc=f"{written(str(address))}:{target.port}", fragment="").geturl(),
                data=form,
                headers={"Host": f"{written(target.host)}{port}", "Accept": "application/json"},
                extensions={"sni_hostname": target.host},
            )
            answer = await client.send(request, stream=True)
            content = b""
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > _MAX_BYTES:
                    break
            return answer.status_code, content


def _object(content: bytes) -> dict[str, object]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
