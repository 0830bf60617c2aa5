"""The engine: who gets what, and why. Pure: no I/O, no clock, no randomness."""
