"""Metrics' HTTP surface."""
