"""Metrics: what is going on, as numbers that can be trusted and opened.

Owns facts, rollups, the live state and its stream. Reads `tickets`, `routing` and `escalations`. Writes `kpis`.
"""
