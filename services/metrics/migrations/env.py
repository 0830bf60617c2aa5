"""Alembic's entry: runs the pending revisions of this service."""

from shared.db import migrate

migrate.run()
