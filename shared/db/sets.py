"""Statements over whole sets: one round trip and one statement a table, however many rows."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from sqlalchemy import ARRAY, Table, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.dml import Insert


@lru_cache(maxsize=512)
def insert_set(table: Table, columns: tuple[str, ...]) -> Insert:
    """INSERT INTO table (columns) SELECT ... FROM unnest(a column of values each).

    Takes the parameters that `transposed` makes. PostgreSQL refuses COPY on tables with row security.
    """
    values = func.unnest(*(bindparam(name, type_=ARRAY(table.c[name].type, dimensions=1)) for name in columns))
    rows = values.table_valued(*(column(name, table.c[name].type) for name in columns)).render_derived()
    return insert(table).from_select(list(columns), select(*(rows.c[name] for name in columns)))


@lru_cache(maxsize=512)
def upsert_set(table: Table, columns: tuple[str, ...]) -> Insert:
    """As `insert_set`, but a row whose primary key exists is overwritten."""
    key = [column.name for column in table.primary_key]
    statement = insert_set(table, columns)
    return statement.on_conflict_do_update(
        index_elements=key,
        set_={name: statement.excluded[name] for name in columns if name not in key},
    )


@lru_cache(maxsize=512)
def insert_new_set(table: Table, columns: tuple[str, ...]) -> Insert:
    """As `insert_set`, but a row that exists stays as it is."""
    return insert_set(table, columns).on_conflict_do_nothing()


def transposed(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> dict[str, list[object]]:
    """Rows as one list of values a column: what the statements above take."""
    rows = list(rows)
    return {name: [row[name] for row in rows] for name in columns}
