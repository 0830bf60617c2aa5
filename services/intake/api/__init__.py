"""Intake's HTTP surface."""
