"""Intake: turns whatever customers send into tickets, and what is answered into messages to them.

Owns channels, customers, conversations, messages, tickets and their status. Reads `routing` (assignee and
queue beside a ticket) and `escalations` (the ticket's timeline). Writes `tickets` and `access`.
"""
