"""Metrics' use-cases, one a file, and the live state that they share."""
