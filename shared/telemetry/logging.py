"""Structured logs on stdout: one JSON object a line, or coloured text on a terminal."""

import logging
import sys
from traceback import extract_tb
from typing import Literal

import structlog
from structlog.typing import Processor

from shared.errors import DataRefused, DomainError

LogFormat = Literal["auto", "json", "console"]


def configure(*, service: str, level: str, style: LogFormat = "auto") -> None:
    """Sets up this process's logging, that of libraries included."""
    console = style == "console" or (style == "auto" and sys.stdout.isatty())
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        # As text: the renderers that show a trace's local variables would show customers' data.
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=True)
    )
    structlog.configure(
        processors=[*steps, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=steps))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # The client logs each failed reconnection of each node; our own lines say the same once.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    # The first commit of positions, which only tools read, waits for the broker to make its own topic for them.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.CRITICAL)
    # It repeats every error that our own handler has logged.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    logging.getLogger("mail.log").setLevel(logging.ERROR)


def frames(error: BaseException) -> list[str]:
    """Where an error that nobody foresaw came up, the outermost place first.

    Not what it says: that may quote a customer, or a secret.
    """
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]


def told_of(error: Exception) -> dict[str, object]:
    """What may be logged of an error: one that was foreseen says what it is, any other only its kind and place."""
    is_foreseen = isinstance(error, DomainError | DataRefused)
    name = type(error).__name__
    return {"error": f"{name}: {error}" if is_foreseen else name, "where": frames(error)}
