"""Which values somebody wants to see, and which of them have changed since the last look."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from services.metrics.app.board import Board
from services.metrics.domain.definitions import HEADLINES, VARIANTS
from services.metrics.domain.fact import Dimension, Scope
from services.metrics.domain.kpi import AGE, Value, Variant, Window


class Key(NamedTuple):
    """One value on a board."""

    kpi: str
    scope: Scope
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A choice of values.

    dimensions: all members of these; scopes: these in particular, whether anything happened there or not
    """

    kpis: tuple[str, ...] = HEADLINES
    windows: tuple[Window, ...] = tuple(Window)
    dimensions: tuple[Dimension, ...] = (Dimension.WORKSPACE, Dimension.QUEUE)
    scopes: tuple[Scope, ...] = ()

    def scopes_on(self, board: Board) -> Iterator[Scope]:
        """Every scope that is asked for, as of now."""
        yield from self.scopes
        for dimension in self.dimensions:
            for member in board.members(dimension):
                scope = Scope(dimension, member)
                if scope not in self.scopes:
                    yield scope

    def size(self, board: Board) -> int:
        """How many values that is."""
        return sum(len(windows) for _, windows in self.numbers()) * sum(1 for _ in self.scopes_on(board))

    def covers(self, scope: Scope) -> bool:
        """Whether values of this scope are asked for."""
        return scope.dimension in self.dimensions or scope in self.scopes

    def numbers(self) -> Iterator[tuple[Variant, tuple[Window, ...]]]:
        """The KPIs that are asked for, each with the windows that it has values for."""
        for name in self.kpis:
            variant = VARIANTS[name]
            windows = tuple(window for window in variant.windows if window in self.windows)
            if windows:
                yield variant, windows


def values_of(query: Query, board: Board) -> Iterator[tuple[Key, Value]]:
    """All values that are asked for, as of the board's last advance."""
    numbers = list(query.numbers())
    for scope in query.scopes_on(board):
        yield from _evaluated(board, scope, numbers)


class Watch:
    """One query on one board, and what it came to at the last look.

    sees_age: whether what changes with every moment that something waits is a change
    """

    def __init__(self, query: Query, *, sees_age: bool = True) -> None:
        self.query = query
        self.values: dict[Key, Value] = {}
        self._numbers = list(query.numbers())
        self._by_source: defaultdict[str, list[tuple[Variant, tuple[Window, ...]]]] = defaultdict(list)
        for variant, windows in self._numbers:
            for source in variant.sources if sees_age else variant.sources - {AGE}:
                self._by_source[source].append((variant, windows))
        self._scopes: set[Scope] = set()
        self._board: Board | None = None
        self._generation = -1
        self._version = -1

    def look(self, board: Board) -> Mapping[Key, Value]:
        """The values that are other than at the last look, or new."""
        fresh = dict(self._evaluate(board))
        changed = {key: value for key, value in fresh.items() if self.values.get(key) != value}
        self.values |= changed
        self._board, self._generation, self._version = board, board.generation, board.version
        return changed

    def _evaluate(self, board: Board) -> Iterator[tuple[Key, Value]]:
        if board is not self._board or board.generation != self._generation:
            self._scopes |= set(self.query.scopes_on(board))
            for scope in self._scopes:
                yield from _evaluated(board, scope, self._numbers)
            return
        for scope, source in board.changed_since(self._version):
            if not self.query.covers(scope):
                continue
            if scope in self._scopes:
                yield from _evaluated(board, scope, self._by_source.get(source, ()))
            else:
                self._scopes.add(scope)
                yield from _evaluated(board, scope, self._numbers)


def _evaluated(
    board: Board, scope: Scope, numbers: Iterable[tuple[Variant, tuple[Window, ...]]]
) -> Iterator[tuple[Key, Value]]:
    for variant, windows in numbers:
        for window in windows:
            yield Key(variant.name, scope, window), board.value(variant, window, scope)
