"""Bytes in an object store that speaks S3."""

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from services.intake.adapters.blobs.shelf import Place, folder_of, place_of
from shared.errors import FatalError, Unavailable

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

T = TypeVar("T")

_TIMEOUT = timedelta(seconds=20)
_RETRIES = 3
_RETRIED_FOR = timedelta(seconds=10)
_HOME = "waypost-home"


class ObjectShelf:
    """Implements the port `Shelf`.

    url: `s3://bucket/prefix`; endpoint: of a server that is not Amazon's
    key, secret: without them the library asks the environment, as Amazon's own programs do
    """

    def __init__(
        self, url: str, *, endpoint: str | None, region: str, key: str | None, secret: str | None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise FatalError("WAYPOST_BLOB_URL is not of the form s3://bucket/prefix")
        self._url = url
        self._endpoint = endpoint
        self._region = region
        self._key = key
        self._secret = secret
        self._opened: S3Store | None = None

    async def put(self, contents: Mapping[Place, bytes]) -> None:
        """Keeps bytes. Raises Unavailable."""
        puts = [_whole(self._store().put_async(place.path, content)) for place, content in contents.items()]
        for failure in await asyncio.gather(*puts, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure

    async def get(self, place: Place) -> bytes | None:
        """The bytes, None where there are none. Raises Unavailable."""
        return await self._read(place.path)

    async def remove(self, places: Collection[Place]) -> None:
        """Empties places. Raises Unavailable."""
        for place in places:
            try:
                await _whole(self._store().delete_async(place.path))
            except FileNotFoundError:
                continue

    async def places(self, workspace_id: str, prefix: int) -> Sequence[Place]:
        """Every place in use of a workspace whose hashes begin with this byte. Raises Unavailable."""
        listed = await _whole(self._store().list(folder_of(workspace_id, prefix)).collect_async())
        names = [item["path"].rpartition("/")[2] for item in listed]
        return [place for name in names if (place := place_of(workspace_id, name))]

    async def owner(self, home: UUID) -> UUID:
        """Whose prefix this is. Raises Unavailable."""
        written = await self._read(_HOME)
        if written is None:
            await _whole(self._store().put_async(_HOME, home.hex.encode()))
            written = await self._read(_HOME) or b""
        return UUID(hex=written.decode())

    def close(self) -> None:
        """Nothing is to be ended."""

    async def _read(self, path: str) -> bytes | None:
        try:
            found = await _whole(self._store().get_async(path))
            return bytes(await _whole(found.bytes_async()))
        except FileNotFoundError:
            return None

    def _store(self) -> "S3Store":
        if self._opened is None:
            # Late: an installation without an object store need not have the library in its memory.
            from obstore.store import S3Store

            # One by one: not every server knows how to delete many at once.
            config: S3Config = {"region": self._region, "disable_bulk_delete": True}
            if self._endpoint:
                config["endpoint"] = self._endpoint
            if self._key:
                config["access_key_id"] = self._key
            if self._secret:
                config["secret_access_key"] = self._secret
            self._opened = S3Store.from_url(
                self._url,
                config=config,
                client_options={
                    "allow_http": (self._endpoint or "").startswith("http://"),
                    "timeout": _TIMEOUT,
                },
                retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRIED_FOR},
            )
        return self._opened


async def _whole(asked: Awaitable[T]) -> T:
    """Raises FileNotFoundError where there is nothing, Unavailable for everything else that goes wrong."""
    from obstore.exceptions import BaseError

    try:
        async with asyncio.timeout(_TIMEOUT.total_seconds()):
            return await asked
    except FileNotFoundError:
        raise
    except (BaseError, OSError, TimeoutError) as error:
        # The library's messages tell addresses and keys: they are no part of ours.
        raise Unavailable(f"the object store: {type(error).__name__}") from error
