"""Tells staff: notifications are put into messages, and messages taken to where they go."""
