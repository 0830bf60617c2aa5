"""Calls: what is kept of them, and what is done about them in time."""
