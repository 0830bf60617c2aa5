"""Providers' calls at the door: whose they are, whether they are genuine, and stored before anybody reads them.

A stranger's call is looked up, verified and refused exactly as a forged one is: nobody learns which channels
there are.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qs

import structlog

from services.intake.adapters import addresses
from services.intake.adapters.bytes_in_hand import BytesInHand
from services.intake.adapters.email.mailroom import Incoming, Mailroom, UsedToken
from services.intake.adapters.hooks import signatures, slack
from services.intake.adapters.hooks.reading import MAILS
from services.intake.adapters.hooks.requests import HookRequest
from services.intake.adapters.hooks.verification import STRANGERS, is_genuine, is_loadable, used_token
from services.intake.adapters.naming import named_in_call, named_in_mail
from services.intake.app.ports import Workspaces
from services.intake.domain.provider import Meta, Provider, ProviderName, Slack, Twilio
from services.intake.domain.workspace import UNREADABLE, Channel
from shared.db.unit_of_work import Database, Tx
from shared.errors import DomainError, NotAllowed, Unavailable
from shared.telemetry.metrics import Metrics
from shared.telemetry.names import Log

log = structlog.get_logger()

_KEPT_HEADERS = ("content-type", "webhook-id")
_MAX_ADDRESS = 400
_CHALLENGE = range(1, 400)
_NOBODY = "-"
"""No workspace can be called so: whose configuration is read for a call that is for nobody."""

MAX_OTHER = 4_194_304
"""Bytes of any other call: above the 3 MB of Meta, which sends the largest."""

_MAX_MAILS = 192 << 20
"""Bytes of calls that post mails, in hand at one time at most: two of the largest, and what providers send."""

_MAX_CALLS = 64 << 20
"""Of all other calls. They are small, and whatever is posted as mail takes no room from them."""

_LARGE = 262_144
"""Bytes of a call that is not verified on the event loop."""


class Refused(Exception):
    """Not from a provider that we know."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a call goes. channel_id: empty for nobody's"""

    workspace_id: str
    channel_id: str
    provider: Provider
    now: float


class HookDoor:
    """Takes providers' calls.

    base_url: where the world reaches us, which Twilio signs; window_s: how old a signature may be
    max_mail: bytes of a call that posts a mail, above what SendGrid (30 MB), Mailgun (25) and Postmark (35) send
    """

    def __init__(
        self,
        database: Database,
        workspaces: Workspaces,
        mailroom: Mailroom,
        *,
        base_url: str,
        window_s: float,
        max_mail: int,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._workspaces = workspaces
        self._mailroom = mailroom
        self._base_url = base_url
        self._window_s = window_s
        self._max_mail = max_mail
        self._mails, self._calls = BytesInHand(_MAX_MAILS), BytesInHand(_MAX_CALLS)
        self._taken = metrics.counter("hooks", "Calls of providers.", "provider", "result")

    def in_hand(self, name: ProviderName | None) -> BytesInHand:
        """Where the bytes of a call are counted."""
        return self._mails if name in MAILS else self._calls

    def most(self, name: ProviderName | None) -> int:
        """Bytes of a call that are kept."""
        return self._max_mail if name in MAILS else MAX_OTHER

    async def take(self, address: str, name: ProviderName | None, request: HookRequest) -> str:
        """Stores a genuine call; the answer that its provider waits for, empty where it waits for none.

        Raises Refused, and TransientError where nothing was stored or nobody knows.
        """
        label = name.value if name else "unknown"
        try:
            answer = await self._take(address, name, request)
        except (Refused, NotAllowed):
            # Not allowed is a token that was used for something else.
            self._taken.labels(label, "refused").inc()
            log.info(Log.SIGNATURE_REFUSED, provider=label)
            raise Refused from None
        except DomainError as error:
            # It is genuine: the channel was changed since it was found. Sent again, it meets the one there is.
            raise Unavailable(str(error)) from None
        self._taken.labels(label, "taken").inc()
        return answer

    async def _take(self, address: str, name: ProviderName | None, request: HookRequest) -> str:
        place = await self._find(address, name or ProviderName.STANDARD)
        provider = place.provider
        if request.method == "GET" and not isinstance(provider, Twilio):
            return _challenge(request, place)
        verify = partial(self._verified, request, place)
        is_good, token = verify() if len(request.body) < _LARGE else await asyncio.to_thread(verify)
        if not is_good or not place.channel_id or name is None:
            raise Refused
        if isinstance(provider, Slack) and (challenge := slack.challenge(request.body)) is not None:
            return challenge
        await self._mailroom.accept(self._incoming(request, place, token))
        return ""

    def _verified(self, request: HookRequest, place: _Place) -> tuple[bool, UsedToken | None]:
        """Whether it is genuine, and the token that it uses up. A large one takes its time."""
        is_good = is_genuine(
            request, place.provider, base_url=self._base_url, now=place.now, window_s=self._window_s
        )
        token = used_token(request, place.provider) if is_good else None
        return is_good, UsedToken(token=token[0], sha256=token[1]) if token else None

    async def _find(self, address: str, name: ProviderName) -> _Place:
        """Whose call it is. Raises Unavailable where its secrets, or anything of it, cannot be read."""
        known = address.lower() if address.isprintable() and len(address) <= _MAX_ADDRESS else _NOBODY
        found = await addresses.find(self._database, known)
        workspace_id = found.workspace_id if found else _NOBODY

        async def unit(tx: Tx) -> tuple[Channel | None, float]:
            configured = (await self._workspaces.load(tx, {workspace_id}))[workspace_id]
            if not configured.is_readable:
                raise Unavailable(UNREADABLE)
            return configured.channels.get(found.channel) if found else None, (await tx.now()).timestamp()

        channel, now = await self._database.transact(unit, workspaces=[workspace_id])
        provider = channel.provider(name) if channel else None
        if channel is None or (provider is None and not channel.has_lost_secrets):
            return _Place(_NOBODY, "", STRANGERS[name], now)
        if provider is None or not is_loadable(provider):
            raise Unavailable("The provider's secrets cannot be read.")
        return _Place(workspace_id, channel.channel_id, provider, now)

    def _incoming(self, request: HookRequest, place: _Place, token: UsedToken | None) -> Incoming:
        name = place.provider.name
        content = request.query.encode() if request.method == "GET" else request.body
        headers = {header: value for header in _KEPT_HEADERS if (value := request.header(header))}
        if request.method == "GET":
            headers.pop("content-type", None)
        most = self.most(name)
        is_cut = len(content) > most
        return Incoming(
            workspace_id=place.workspace_id,
            channel=place.channel_id,
            sender=None,
            recipients=(),
            content=content[:most],
            form=name.value,
            headers=headers,
            token=token,
            refusal="it is too large, and cut off" if is_cut else None,
            named=(named_in_mail if name in MAILS else named_in_call)(content) if is_cut else (),
        )


def _challenge(request: HookRequest, place: _Place) -> str:
    """What Meta asks when a subscription is made. Raises Refused."""
    try:
        asked = parse_qs(request.query, max_num_fields=20)
    except ValueError:
        asked = {}
    mode, token, challenge = (asked.get(f"hub.{name}", [""]) for name in ("mode", "verify_token", "challenge"))
    expected = place.provider.verify_token if isinstance(place.provider, Meta) else ""
    is_known = signatures.equals(token[0], expected)
    is_asked = mode == ["subscribe"] and len(token) == len(challenge) == 1 and len(challenge[0]) in _CHALLENGE
    if not (is_known and expected and is_asked and place.channel_id):
        raise Refused
    return challenge[0]
