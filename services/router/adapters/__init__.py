"""The engine's rows, and conditions."""
