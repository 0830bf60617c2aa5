"""docs/configuration.md says what every field of a workspace's file means."""

import re
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from deploy.cli.place import ROOT
from deploy.cli.workspace_file import WorkspaceFile

TEXT = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def models_in(kind: object) -> Iterator[type[BaseModel]]:
    """The models of which a field's type is made."""
    if get_origin(kind) in (tuple, list, dict, Annotated, Union, UnionType):
        for part in get_args(kind):
            yield from models_in(part)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind


def fields_below(model: type[BaseModel], place: str) -> Iterator[tuple[str, str]]:
    """Each field with the place of its section; `` for the file's own."""
    for name, field in model.model_fields.items():
        yield place, name
        for below in models_in(field.annotation):
            yield from fields_below(below, f"{place}.{name}".removeprefix("."))


FIELDS = list(dict.fromkeys(fields_below(WorkspaceFile, "")))


def sections() -> dict[str, str]:
    """The text of each section by the places that its heading names."""
    found = {}
    for heading, text in re.findall(r"^##+ (.+)\n((?:(?!#).*\n)*)", TEXT, flags=re.MULTILINE):
        for place in re.findall(r"`([\w.]+)`", heading) or [""]:
            found[place] = text
    return found


@pytest.mark.parametrize("place", dict.fromkeys(place for place, _ in FIELDS))
def test_every_field_is_described_in_its_section(place: str) -> None:
    text = sections()[place]
    assert [name for at, name in FIELDS if at == place and f"`{name}`" not in text] == []


def test_nothing_is_described_that_is_not_there() -> None:
    described = {
        (place, name)
        for place, text in sections().items()
        for name in re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    }
    assert described - set(FIELDS) == set()
    assert len(described) > 80
