"""The tables of bytes."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid, text

from services.intake.adapters.tables import metadata
from shared.db.tables import Instant

blob = Table(
    "blob",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("content", LargeBinary),
    Column("location", Uuid),
    Column("stored_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    Column("is_checked", Boolean, nullable=False, server_default=text("false")),
    Column("is_lost", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("workspace_id", "sha256"),
    Index("blob_unchecked", "workspace_id", "stored_at", postgresql_where=text("NOT is_checked")),
)
"""Bytes by what they are: raw mails and attachments.

content: the bytes, where they are kept in their row; location: where they lie otherwise (`adapters/blobs/`)
is_checked: whether a row that names them was seen after they were stored
is_lost: whether they were missing or not what they were when somebody wanted them
"""

blob_waste = Table(
    "blob_waste",
    metadata,
    Column("workspace_id", Text, nullable=False),
    Column("location", Uuid, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("since", Instant, nullable=False, server_default=text("clock_timestamp()")),
    PrimaryKeyConstraint("workspace_id", "location"),
)
"""Where bytes lie that are forgotten, and are to be removed from there."""

blob_home = Table(
    "blob_home",
    metadata,
    Column("is_only", Boolean, primary_key=True),
    Column("home", Uuid, nullable=False),
)
"""What this installation has written on the folder or bucket that is its own. One row."""
