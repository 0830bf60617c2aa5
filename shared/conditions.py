"""Conditions in CEL, the Common Expression Language, over documented variables.

`ticket.channel_kind == "email" && customer.tier == "gold"`. A condition that fails while it is evaluated, as
one that reads a label which is not there, is false; whoever evaluates it can count and show that.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from string import ascii_lowercase, ascii_uppercase
from types import ModuleType

from shared.condition_steps import MACROS, most_steps, tokens

# The library imports its command line too, an editor at a terminal: a tenth of a second of every start and eight
# megabytes of every process. An empty module stands in for it.
sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))

import cel  # noqa: E402 - only now

MAX_LENGTH = 2000
_MAX_DEPTH = 20
MAX_STEPS = 100_000
"""What one evaluation of what somebody writes may take at most: some 30 ms."""

Variables = Mapping[str, Mapping[str, object]]
"""What a condition reads: `ticket`, `customer` and so on, each with its fields."""

Fields = Mapping[str, frozenset[str]]
"""The documented variables and their fields; an empty set allows any field."""

_BOUND = re.compile(rf"\b(?:{'|'.join(MACROS)})\s*\(\s*(\w+)\s*,")
_MEMBER = re.compile(r"\b([a-z_]+)\s*\.\s*([A-Za-z_]\w*)")
_OPERATORS = re.compile(r"^(_.*_?|@.*|!_|-_)$")
_FUNCTIONS = frozenset(
    MACROS
    | {"size", "has", "startsWith", "endsWith", "contains", "in"}
    | {"int", "uint", "double", "string", "lowerAscii", "upperAscii"}
)
"""Functions that a condition may call. Regular expressions are not among them: their cost has no bound."""

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)


def _lower_ascii(text: str) -> str:
    return text.translate(_LOWER)


def _upper_ascii(text: str) -> str:
    return text.translate(_UPPER)


_ADDED = {"lowerAscii": _lower_ascii, "upperAscii": _upper_ascii}
"""Functions of CEL's string extension, which the library does not have."""

MISSING_LABEL = "reads a field that is not there"
MISSING_ELEMENT = "reads an element that a list has not"


class Prepared(dict[str, Mapping[str, object]]):
    """Variables made ready once for everything that reads them, which is what most of an evaluation costs.

    They are read as they stand now: what changes in them later is not seen.
    """

    def __init__(self, variables: Variables) -> None:
        super().__init__(variables)
        self.context = cel.Context(variables=dict(variables), functions=_ADDED)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression."""

    source: str
    _program: cel.Program = field(repr=False, compare=False)

    @property
    def reads(self) -> frozenset[str]:
        """Variables that its value may depend on; other names are those it binds itself."""
        return frozenset(self._program.variables())

    def value(self, variables: Variables) -> tuple[object, str | None]:
        """Its value, and why there is none, if so."""
        prepared = variables if isinstance(variables, Prepared) else Prepared(variables)
        try:
            return self._program.execute(prepared.context), None
        except KeyError:
            return None, MISSING_LABEL
        except IndexError:
            return None, MISSING_ELEMENT
        except Exception as error:  # noqa: BLE001 - whatever way the library says it, it has no value
            return None, type(error).__name__


def preparing(conditions: Iterable[Expression]) -> Callable[[Variables], Prepared]:
    """Makes ready just those variables that any of these read: each costs some microseconds."""
    reads = frozenset(chain.from_iterable(condition.reads for condition in conditions))
    return lambda variables: Prepared({name: fields for name, fields in variables.items() if name in reads})


class Condition(Expression):
    """A compiled condition."""

    __slots__ = ()

    def evaluate(self, variables: Variables) -> tuple[bool, str | None]:
        """Whether it holds, and why it could not be told, if so; then it does not hold."""
        result, problem = self.value(variables)
        if problem is not None:
            return False, problem
        if not isinstance(result, bool):
            return False, "is not true or false"
        return result, None

    def holds(self, variables: Variables) -> bool:
        """Whether it holds."""
        return self.evaluate(variables)[0]


def compile_condition(source: str, fields: Fields, *, written: bool = False) -> Condition:
    """The condition that a CEL expression says.

    Raises ValueError with what is wrong: syntax, an unknown variable, field or function, or its size.

    written: somebody writes it now, who can be told: then what it costs counts too. What was stored holds,
        whatever it costs.
    """
    return Condition(source, _compiled(source, fields, written))


def compile_expression(source: str, fields: Fields, *, written: bool = False, most: int = MAX_STEPS) -> Expression:
    """The same for an expression with any value. most: steps that one evaluation may take."""
    return Expression(source, _compiled(source, fields, written, most))


def steps_of(source: str) -> int:
    """How many steps an expression, which compiles, may take at most."""
    return most_steps(tokens(source))


def _compiled(source: str, fields: Fields, written: bool, most: int = MAX_STEPS) -> cel.Program:
    if len(source) > MAX_LENGTH:
        raise ValueError(f"longer than {MAX_LENGTH} characters")
    words = tokens(source)
    bare = " ".join(words)
    if _depth(bare) > _MAX_DEPTH:
        raise ValueError(f"nested deeper than {_MAX_DEPTH}")
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise ValueError(f"syntax: {_first_line(str(error))}") from None
    if written and (steps := most_steps(words)) > most:
        raise ValueError(f"may take {steps} steps, going through lists or joining texts; {most} are allowed")
    bound = set(_BOUND.findall(bare))
    for name in program.variables():
        if name not in fields and name not in bound:
            raise ValueError(f"unknown variable {name!r}; there are {', '.join(sorted(fields))}")
    for name in program.functions():
        if name not in _FUNCTIONS and not _OPERATORS.match(name):
            raise ValueError(f"function {name!r} is not available")
    for variable, member in _MEMBER.findall(bare):
        known = fields.get(variable)
        if known and member not in known:
            raise ValueError(f"{variable} has no field {member!r}; there are {', '.join(sorted(known))}")
    return program


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return deepest


def _first_line(message: str) -> str:
    line = message.splitlines()[0]
    return line.rpartition("ERROR: ")[2] or line
