"""`/v1/configuration`, the same for every service: its part of a workspace's configuration, as a whole."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Generic, Protocol, TypeVar

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel

from shared.errors import IllegalTransition, PreconditionFailed
from shared.http.app import api_router
from shared.http.auth import Principal, allowed
from shared.http.etags import IfMatch, IfMatchHeader, etag

P = TypeVar("P", bound=BaseModel)

_MAX_BODY = 16 * 1024 * 1024
"""Bytes: twenty thousand agents with their skills are a few million."""

Allow = Callable[..., Any]
"""`allowed`, or `allowed_here` where only the holder of the workspace can answer."""


class Change(BaseModel):
    """One difference between two configurations."""

    path: str
    kind: str


class Configured(BaseModel, Generic[P]):
    """A part as it stands, or would stand after a dry run. Version 0 is what holds before anything is applied."""

    version: int
    configuration: P
    changes: list[Change] = []
    warnings: list[str] = []


@dataclass(frozen=True, slots=True)
class Stored(Generic[P]):
    """A part and its version.

    unreadable: why the part is not what is stored, where nobody can read that
    revision: of what else decides, where something does
    """

    version: int
    part: P
    unreadable: str | None = None
    revision: int = 0


class ConfigurationStore(Protocol[P]):
    """How a service keeps its part."""

    async def read(self, workspace_id: str) -> Stored[P]:
        """The part that holds; built-in defaults at version 0."""
        ...

    async def check(self, workspace_id: str, part: P, /) -> Sequence[str]:
        """Warnings. Raises InvalidInput with a problem for each rule that the part breaks."""
        ...

    async def apply(self, workspace_id: str, part: P, *, seen: IfMatchHeader, by: str) -> Stored[P]:
        """Stores the part and everything that follows from it. An equal part keeps its version.

        Raises PreconditionFailed where the version is not one of those seen.
        """
        ...


def routes(
    store: ConfigurationStore[P],
    part_model: type[P],
    *,
    allow: Allow = allowed,
    read_scopes: Sequence[str] = ("admin",),
    sealed: Callable[[str, P], P] = lambda _, part: part,
) -> APIRouter:
    """GET and PUT `/v1/configuration` of one service.

    sealed: a workspace's part as it may be stored and shown
    """
    router = api_router("configuration")

    @router.get("/v1/configuration")
    async def read_configuration(
        response: Response, principal: Annotated[Principal, allow(*read_scopes)]
    ) -> Configured[part_model]:  # type: ignore[valid-type] # the model is this function's argument
        """This service's part of the workspace's configuration. 409 where what is stored cannot be read."""
        stored = await store.read(principal.workspace_id)
        if stored.unreadable:
            raise IllegalTransition(f"{stored.unreadable} To put another one in its place send If-Match: *.")
        response.headers["etag"] = etag(stored.version)
        return Configured(version=stored.version, configuration=stored.part)

    @router.put("/v1/configuration", max_body_size=_MAX_BODY)
    async def apply_configuration(
        part: part_model,  # type: ignore[valid-type] # as above
        response: Response,
        principal: Annotated[Principal, allow("admin")],
        if_match: IfMatchHeader,
        dry_run: Annotated[bool, Query(description="Answer the plan and change nothing.")] = False,
        waypost_preview: Annotated[
            str | None, Header(max_length=100, description="Of a preview: nothing but what it was of is stored.")
        ] = None,
    ) -> Configured[part_model]:  # type: ignore[valid-type] # as above
        """Replaces the whole part. Applying the same twice changes nothing.

        412 where the version is not the one in If-Match, or not the one that was previewed.
        """
        workspace_id = principal.workspace_id
        stored = await store.read(workspace_id)
        if waypost_preview is not None and waypost_preview != preview_id(stored, part):
            raise PreconditionFailed("This is not what was previewed. Preview it again.")
        if not dry_run:
            if_match.require()
        if_match.check(stored.version)
        # As it is written: of a sealed secret nobody can say whether it is any good.
        warnings = await store.check(workspace_id, part)
        part = sealed(workspace_id, part)
        changes = list(differences(_plain(stored.part), _plain(part)))
        version = stored.version
        if not dry_run and (changes or version == 0 or stored.unreadable):
            # What was previewed is stored on top of what it was previewed on, or not at all.
            seen = if_match if waypost_preview is None else IfMatch(etag(stored.version))
            version = (await store.apply(workspace_id, part, seen=seen, by=principal.subject)).version
        response.headers["etag"] = etag(version)
        return Configured(version=version, configuration=part, changes=changes, warnings=list(warnings))

    return router


def preview_id(stored: Stored[P], part: P) -> str:
    """Names what a preview was of: what holds, and the part that would take its place."""
    return sha256(f"{stored.version}/{stored.revision}\n{part.model_dump_json()}".encode()).hexdigest()


def differences(old: object, new: object, path: str = "") -> Iterator[Change]:
    """What was added, removed or changed. List items are known by their `id` or `name` where they have one."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            if name not in old:
                yield Change(path=f"{path}/{name}", kind="added")
            elif name not in new:
                yield Change(path=f"{path}/{name}", kind="removed")
            else:
                yield from differences(old[name], new[name], f"{path}/{name}")
    elif isinstance(old, list) and isinstance(new, list) and (keyed := _keyed(old, new)):
        yield from differences(*keyed, path)
        if [name for name in keyed[0] if name in keyed[1]] != [name for name in keyed[1] if name in keyed[0]]:
            yield Change(path=path or "/", kind="reordered")
    elif old != new:
        yield Change(path=path or "/", kind="changed")


def _keyed(old: list[object], new: list[object]) -> tuple[dict[str, object], dict[str, object]] | None:
    for key in ("id", "name"):
        if all(isinstance(item, Mapping) and isinstance(item.get(key), str) for item in [*old, *new]):
            return _by(old, key), _by(new, key)
    return None


def _by(items: list[object], key: str) -> dict[str, object]:
    return {str(item[key]): item for item in items if isinstance(item, Mapping)}


def _plain(part: BaseModel) -> object:
    return part.model_dump(mode="json")
