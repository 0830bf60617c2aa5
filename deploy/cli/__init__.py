"""`waypost`: what people do with an installation from a terminal.

Commands live in `commands/`, one a file, and import what is heavy only when they run: help comes at once.
"""
