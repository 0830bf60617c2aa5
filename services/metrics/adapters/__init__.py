"""Metrics' doors to the world: PostgreSQL."""
