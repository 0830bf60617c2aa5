"""Escalation's use-cases."""
