"""Escalation: makes sure that somebody answers in time, and tells people when nobody does.

Owns SLA policies, clocks, timers, escalation policies, escalations and notifications to staff. Reads `tickets`
and `routing`, which start, pause and stop clocks. Writes `escalations`.
"""
