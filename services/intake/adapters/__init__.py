"""Intake's doors to the world: PostgreSQL, mail."""
