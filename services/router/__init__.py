"""Router: gives each ticket to the right agent, and can say why.

Owns agents, skills, queues, routing policies, work items, offers, assignments and decision records. Reads
`tickets` and `escalations`. Writes `routing`. The holder of a shard keeps the whole routing state of its
workspaces in memory and is their only writer.
"""
