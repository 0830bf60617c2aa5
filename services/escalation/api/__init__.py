"""Escalation's HTTP surface."""
