"""Secrets of a configuration: written as text, kept and shown sealed, opened where they are used."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from shared.errors import InvalidInput

M = TypeVar("M", bound=BaseModel)

MOST_OF_A_SECRET = 8000
SEALED = "sealed:"
"""What a sealed secret begins with."""


class Secret(str):
    """A secret, as it was written or sealed. Its `repr` shows nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"

    @property
    def is_sealed(self) -> bool:
        """Whether it is as it is kept, and nobody can see what it is."""
        return self.startswith(SEALED)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: type[Any], _handler: GetCoreSchemaHandler) -> CoreSchema:
        """A string on the wire."""
        text = core_schema.str_schema(min_length=1, max_length=MOST_OF_A_SECRET)
        return core_schema.no_info_after_validator_function(
            cls, text, serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=text)
        )


class Vault(Protocol):
    """Keeps secrets of workspaces from whoever reads the database."""

    def seal(self, workspace_id: str, secret: str) -> str:
        """The secret as it may be stored: the same one always looks the same. A sealed one stays as it is.

        Raises ValueError for one that was sealed elsewhere.
        """
        ...

    def open(self, workspace_id: str, sealed: str) -> str:
        """The secret. Raises ValueError where it was sealed by another key or for another workspace."""
        ...


def map_secrets(model: M, change: Callable[[Secret], str]) -> M:
    """The model with every secret in it replaced."""
    return model.model_copy(
        update={name: _mapped(getattr(model, name), change) for name in type(model).model_fields}
    )


def sealed(vault: Vault, workspace_id: str, part: M) -> M:
    """The part as it is kept and shown. Raises InvalidInput for a secret that was sealed elsewhere."""
    problems = []
    for pointer, secret in secrets_in(part):
        try:
            vault.seal(workspace_id, secret)
        except ValueError as error:
            problems.append((pointer, str(error)))
    if problems:
        raise InvalidInput("The configuration breaks rules.", problems=tuple(problems))
    return map_secrets(part, partial(vault.seal, workspace_id))


def secrets_in(value: object, pointer: str = "") -> Iterator[tuple[str, Secret]]:
    """Every secret in a model, with the JSON pointer to its place."""
    if isinstance(value, Secret):
        yield pointer, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name), f"{pointer}/{name}")
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from secrets_in(item, f"{pointer}/{index}")


def _mapped(value: object, change: Callable[[Secret], str]) -> object:
    if isinstance(value, Secret):
        return Secret(change(value))
    if isinstance(value, BaseModel):
        return map_secrets(value, change)
    if isinstance(value, tuple):
        return tuple(_mapped(item, change) for item in value)
    return value
