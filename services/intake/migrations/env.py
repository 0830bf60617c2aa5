"""Alembic's entry: runs the pending revisions of this service."""

import services.intake.adapters.tables  # noqa: F401 - registers this service's tables
from shared.db import migrate, tables

migrate.run(tables.metadata)
