"""Intake's use-cases, one a file."""
