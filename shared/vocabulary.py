"""The words that all services and the wire share. Values are spelled as on the wire."""

from enum import StrEnum


class ChannelKind(StrEnum):
    """By what kind of channel a request came."""

    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    VOICE = "voice"
    CHAT = "chat"
    SLACK = "slack"
    API = "api"


class TicketStatus(StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    SOLVED = "solved"
    CLOSED = "closed"

    @property
    def is_unsolved(self) -> bool:
        """Whether somebody still owes the customer something."""
        return self not in (TicketStatus.SOLVED, TicketStatus.CLOSED)


class Priority(StrEnum):
    """How pressing a ticket is, the most pressing first."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for urgent up to 3 for low: what is sorted by."""
        return _PRIORITY_RANK[self]

    def raised(self, by: int = 1) -> "Priority":
        """The priority `by` steps more pressing, urgent at most."""
        return _PRIORITIES[max(0, self.rank - by)]


_PRIORITIES = tuple(Priority)
_PRIORITY_RANK = {priority: rank for rank, priority in enumerate(_PRIORITIES)}


class MachineClass(StrEnum):
    """Whether a person wrote a message, and what wrote it otherwise."""

    NONE = "none"
    AUTO_REPLY = "auto_reply"
    AUTO_GENERATED = "auto_generated"
    BULK = "bulk"
    BOUNCE_HARD = "bounce_hard"
    BOUNCE_SOFT = "bounce_soft"
    RECEIPT = "receipt"
    COMPLAINT = "complaint"
    LOOP = "loop"


class AuthorKind(StrEnum):
    """Who wrote what went out."""

    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


class Purpose(StrEnum):
    """What an outgoing message is for. Only an agent's reply answers a customer."""

    REPLY = "reply"
    ACK = "ack"
    STATUS = "status"
    SURVEY = "survey"


class SurveyKind(StrEnum):
    """What customers are asked: how content they are (1 to 3, 5 or 7), or whether they recommend (0 to 10)."""

    CSAT = "csat"
    NPS = "nps"


class ActorKind(StrEnum):
    """Who caused a change."""

    CUSTOMER = "customer"
    AGENT = "agent"
    API = "api"
    SYSTEM = "system"


class CallOutcome(StrEnum):
    """How a call ended. Of an abandoned one the caller left the queue; a missed one rang, and nobody answered."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    MISSED = "missed"
    VOICEMAIL = "voicemail"
    FAILED = "failed"
    CALLBACK = "callback"


class AgentState(StrEnum):
    """Whether an agent takes offers. Busy agents finish their work and get no more."""

    AVAILABLE = "available"
    BUSY = "busy"
    AWAY = "away"
    OFFLINE = "offline"


class AgentActivity(StrEnum):
    """What an agent is occupied with."""

    IDLE = "idle"
    ENGAGED = "engaged"
    WRAPPING = "wrapping"


class WorkState(StrEnum):
    """Where a work item stands. Completed and cancelled are final."""

    QUEUED = "queued"
    OFFERED = "offered"
    ASSIGNED = "assigned"
    WRAPPING = "wrapping"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class AssignmentMode(StrEnum):
    """How an agent came by a work item."""

    ACCEPTED = "accepted"
    AUTO = "auto"
    MANUAL = "manual"


class SlaMetric(StrEnum):
    """What an SLA clock measures (docs/service-levels.md)."""

    FIRST_REPLY = "first_reply"
    NEXT_REPLY = "next_reply"
    PERIODIC_UPDATE = "periodic_update"
    PAUSABLE_UPDATE = "pausable_update"
    REQUESTER_WAIT = "requester_wait"
    AGENT_WORK = "agent_work"
    TOTAL_RESOLUTION = "total_resolution"
    TIME_TO_ASSIGN = "time_to_assign"
    TIME_IN_QUEUE = "time_in_queue"


class Agreement(StrEnum):
    """To whom a promise was made: to customers (service level), or among teams (operational level)."""

    SLA = "sla"
    OLA = "ola"


class ClockState(StrEnum):
    """Where an SLA clock stands."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    CANCELLED = "cancelled"


class EscalationState(StrEnum):
    """Where an escalation stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
