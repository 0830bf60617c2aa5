"""Measurements of the whole system on this machine: `make bench`, or `python -m tests.load NAME…` for some.

Each module measures one thing and returns a `Section`. Nothing here passes or fails: what a figure should be
is for people to judge.
"""
