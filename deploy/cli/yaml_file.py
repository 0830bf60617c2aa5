"""Reads a YAML file so that whatever is wrong with it can be told with its line.

`${NAME}` in a value stands for a variable, `$${NAME}` for itself. What is put in stays text: it cannot become
YAML.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.cli.errors import CliError

_VARIABLE = re.compile(r"\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TEXT = "tag:yaml.org,2002:str"
_MERGE = "<<"

Key = str | int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong, and where: a line, and the way there by names."""

    line: int
    place: str
    text: str


class FileRefused(CliError):
    """A file that does not hold together, with everything that is wrong with it."""

    def __init__(self, file: Path, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        width = max(len(problem.place) for problem in self.problems)
        lines = [f"  line {one.line:<4} {one.place:<{width}}  {one.text}" for one in self.problems]
        super().__init__("\n".join([f"{file} does not hold together:", *lines]))


class YamlFile:
    """One document, with variables put in, and the lines on which everything stands."""

    def __init__(self, file: Path, variables: Mapping[str, str]) -> None:
        """CliError where the file cannot be read, FileRefused where it is not what it should be."""
        self.file = file
        root = _composed(file)
        problems = [*_repeated(root), *_filled(root, variables)]
        if problems:
            raise FileRefused(file, problems)
        self._root = root
        loader = yaml.SafeLoader("")
        try:
            self.content: object = loader.construct_document(root)
        except yaml.MarkedYAMLError as error:
            raise FileRefused(file, [_marked(error)]) from None

    def problem(self, path: Sequence[Key], text: str) -> Problem:
        """What is wrong at a place, told with its line and with names in place of positions."""
        node: yaml.Node = self._root
        line, names = node.start_mark.line, []
        for key in path:
            found = _child(node, key)
            if found is None:
                names.append(str(key))
                continue
            is_item = isinstance(node, yaml.SequenceNode)
            line, node = found
            names.append((_name_of(node) if is_item else None) or str(key))
        return Problem(line + 1, "/".join(names), text)


def _composed(file: Path) -> yaml.Node:
    try:
        with file.open(encoding="utf-8") as stream:
            root = yaml.compose(stream, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise FileRefused(file, [_marked(error)]) from None
    except yaml.YAMLError as error:
        raise CliError(f"{file} is not YAML: {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if not isinstance(root, yaml.MappingNode):
        raise CliError(f"{file} does not describe a workspace: it has no sections.")
    return root


def _marked(error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    return Problem(mark.line + 1 if mark else 1, "", error.problem or error.context or "is not YAML")


def _filled(root: yaml.Node, variables: Mapping[str, str]) -> Iterator[Problem]:
    """Puts variables in; a problem for each that is missing."""
    for node in _nodes(root):
        if not isinstance(node, yaml.ScalarNode) or not _VARIABLE.search(node.value):
            continue
        named = {name for escaped, name in _VARIABLE.findall(node.value) if not escaped}
        for name in sorted(named - variables.keys()):
            yield Problem(node.start_mark.line + 1, f"${{{name}}}", "is not in the environment")

        def value(match: re.Match[str]) -> str:
            return match[0][1:] if match[1] else variables.get(match[2], "")

        node.value = _VARIABLE.sub(value, node.value)
        node.tag = _TEXT


def _repeated(root: yaml.Node) -> Iterator[Problem]:
    """A problem for each name that stands twice: YAML would quietly take the last one."""
    for node in _nodes(root):
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value in seen and key.value != _MERGE:
                yield Problem(key.start_mark.line + 1, key.value, "stands twice")
            seen.add(str(key.value))


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting.extend(child for pair in node.value for child in pair)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)


def _child(node: yaml.Node, key: Key) -> tuple[int, yaml.Node] | None:
    """The line and the node of a member."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and str(key).isdigit() and int(key) < len(node.value):
        child = node.value[int(key)]
        return child.start_mark.line, child
    return None


def _name_of(node: yaml.Node) -> str | None:
    """What an item of a list is called."""
    for key in ("id", "name", "metric", "kpi"):
        found = _child(node, key)
        if found and isinstance(found[1], yaml.ScalarNode):
            return str(found[1].value)
    return None
