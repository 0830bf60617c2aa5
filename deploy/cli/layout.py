"""The services, and on which ports everything listens."""

SERVICES = ("intake", "router", "escalation", "metrics")
MAIL = ("lmtp", "smtp", "mail_sink")

PORT_BASE = 8100
OFFSETS = {
    "intake": 1,
    "router": 2,
    "escalation": 3,
    "metrics": 4,
    "lmtp": 24,
    "smtp": 25,
    "mail_sink": 26,
    "webhook_sink": 27,
    "postgres": 32,
    "kafka": 92,
    "kafka_controller": 93,
}

Ports = dict[str, int]


def stable_ports(base: int = PORT_BASE) -> Ports:
    """The same ports at every start."""
    return {name: base + offset for name, offset in OFFSETS.items()}
