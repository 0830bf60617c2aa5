"""Escalation's doors to the world: PostgreSQL, mail, webhooks, public holidays."""
