"""Calls that have one home, found in the syntax of every module."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("shared", "services", "deploy")

HOMES: Mapping[str, tuple[str, ...]] = {
    "datetime.now": ("shared/clock.py",),
    "datetime.utcnow": (),
    "time.time": ("shared/clock.py",),
    "time.time_ns": ("shared/ids.py", "deploy/local/mail_sink.py"),
    "time.sleep": ("deploy/local/",),
    "uuid.uuid4": ("shared/ids.py",),
    "uuid4": ("shared/ids.py",),
    "os.urandom": ("shared/ids.py", "shared/telemetry/tracing.py"),
    "os.environ": ("shared/settings.py", "shared/db/schema.py", "shared/db/migrate.py", "deploy/"),
    "os.getenv": ("shared/settings.py", "deploy/"),
    "asyncio.create_task": ("shared/process.py",),
    "asyncio.ensure_future": (
        "shared/db/group_commit.py",
        "shared/db/read_ahead.py",
        "shared/db/unit_of_work.py",
        "shared/kafka/client.py",
    ),
    "mock.patch": (),
    "patch": (),
}
"""A dotted name, and the files or folders that may use it."""

MODULES: Mapping[str, tuple[str, ...]] = {
    "random": (),
    "aiokafka": ("shared/kafka/client.py",),
    "unittest.mock": (),
    "starlette.middleware.base": (),
}
"""A module, and the files that may import it."""

COMMIT_HOME = ("shared/db/unit_of_work.py",)


def violations(path: str, source: str) -> Iterator[str]:
    """What a file uses outside its home, as `path:line: name`."""
    for node in ast.walk(ast.parse(source)):
        for name in _names(node):
            if name in HOMES and not path.startswith(HOMES[name] or ("-",)):
                yield f"{path}:{getattr(node, 'lineno', 0)}: {name}"
        for module in _imports(node):
            for banned, homes in MODULES.items():
                inside = module == banned or module.startswith(f"{banned}.")
                if inside and not path.startswith(homes or ("-",)):
                    yield f"{path}:{getattr(node, 'lineno', 0)}: import {module}"
        if _is_commit(node) and not path.startswith(COMMIT_HOME):
            yield f"{path}:{getattr(node, 'lineno', 0)}: .commit()"


def product_files() -> Iterator[tuple[str, str]]:
    """Every module of the product with its source."""
    for folder in PRODUCT:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield f"{node.value.id}.{node.attr}"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield node.func.id


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module


def _is_commit(node: ast.AST) -> bool:
    """`connection.commit()` and the like: a call without arguments."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
        and not node.args
        and not node.keywords
    )
