"""Writes `docs/contracts/`: what is generated from the event catalog, the services' applications and settings.

`python -m deploy.contracts` writes, `--check` fails where something is not fresh.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import yaml
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from deploy.local.waypost import SERVICES
from shared.events.asyncapi import asyncapi, schema_of
from shared.events.catalog import CONTRACTS
from shared.service import Leaves
from shared.settings import Settings

FOLDER = Path(__file__).parents[1] / "docs" / "contracts"


async def openapi(service: str) -> dict[str, object]:
    """A service's OpenAPI document, from the application that its composition root makes."""
    build = import_module(f"services.{service}.service").build
    composed = _settings(service)(
        _env_file=None,
        environment="development",
        database_url=SecretStr("postgresql://nobody@127.0.0.1/none"),
        kafka_bootstrap="127.0.0.1:1",
        http_host="127.0.0.1",
        http_port=0,
    )
    async with build(composed, Leaves(connects=False)) as made:
        return dict(made.app.openapi())


def settings_table() -> str:
    """Every environment variable of every service, as Markdown."""
    lines = ["# Settings", "", "Environment variables. What is needed has no default.", ""]
    known: set[str] = set()
    sections: list[tuple[str, type[Settings]]] = [
        ("Every service", Settings),
        *((name, _settings(name)) for name in SERVICES),
    ]
    for title, settings in sections:
        own = {name: field for name, field in settings.model_fields.items() if name not in known}
        known |= Settings.model_fields.keys()
        if own:
            lines += [f"## {title}", "", "| variable | default | |", "|---|---|---|"]
            lines += [
                f"| `WAYPOST_{name.upper()}` | {_default(field)} | {field.description} |"
                for name, field in own.items()
            ]
            lines.append("")
    return "\n".join(lines)


def _settings(service: str) -> type[Settings]:
    found: type[Settings] = getattr(import_module(f"services.{service}.settings"), f"{service.title()}Settings")
    return found


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    if field.default_factory is not None:
        return "the host's name"
    if isinstance(field.default, SecretStr):
        return "one for development"
    return f"`{field.default}`" if field.default not in (None, ()) else "none"


def files() -> Iterator[tuple[Path, str]]:
    """Every generated file with its content, relative to the folder."""
    for contract in CONTRACTS.values():
        yield Path("schemas") / f"{contract.name}.v{contract.version}.json", _json(schema_of(contract))
    document = yaml.safe_dump(asyncapi(), sort_keys=False, width=115, allow_unicode=True)
    yield Path("asyncapi.yaml"), document
    yield Path("settings.md"), settings_table()
    for service in SERVICES:
        yield Path("openapi") / f"{service}.json", _json(asyncio.run(openapi(service)))


def stale(folder: Path = FOLDER) -> list[str]:
    """The files that differ from what would be generated, are missing, or stand there for nothing."""
    expected = dict(files())
    differing = [path for path, content in expected.items() if _read(folder / path) != content]
    return sorted(str(path) for path in [*differing, *(_present(folder) - set(expected))])


def write(folder: Path = FOLDER) -> None:
    """Writes every file anew and removes what is there for nothing."""
    expected = dict(files())
    for path in _present(folder) - set(expected):
        (folder / path).unlink()
    for path, content in expected.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")


def _present(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Writes the files, or with `--check` says which are stale."""
    if "--check" not in sys.argv[1:]:
        write()
        return 0
    for path in (found := stale()):
        sys.stderr.write(f"stale: docs/contracts/{path}: run `make contracts`\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
