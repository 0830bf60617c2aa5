"""What a metrics process is told by its environment."""

from pydantic import Field

from shared.settings import Settings


class MetricsSettings(Settings):
    """Settings of metrics, beside those that every service has."""

    stream_send_limit_s: float = Field(default=10.0, gt=0)
    """How long one frame may take to leave. A client that reads slower is cut; it resumes where it was."""

    stream_ring_s: float = Field(default=600.0, ge=0)
    """For how long what a stream has said is kept, for clients that come back."""

    stream_ring_values: int = Field(default=100_000, ge=0)
    """Most values that one stream keeps. Past it the oldest go first; who would need them gets a snapshot."""
