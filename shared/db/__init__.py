"""PostgreSQL: units of work, shards, positions, the outbox. Correctness lives here."""
