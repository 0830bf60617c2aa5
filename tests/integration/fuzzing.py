"""A service held against its own OpenAPI document.

Schemathesis makes requests from the document, good ones and bad ones, and holds the answers against it.
"""

from collections.abc import Iterator
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

EXAMPLES = 10
"""Of each operation."""

UNFIT = ("invalid-request", "malformed-json", "unsupported-media-type")
"""Problems of the form. A rule of the domain, as that a channel has to be there, no schema can say."""


@schemathesis.serializer("message/rfc822")
def as_mail(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@schemathesis.check
def takes_what_it_describes(_: CheckContext, response: Response, case: Case[Any]) -> None:
    """A request that fits the document is not refused for its form."""
    meta = case.meta
    if meta is not None and meta.generation.mode.is_positive and 400 <= response.status_code < 500:
        problem = response.json().get("type", "")
        assert not problem.endswith(UNFIT), response.text


def config(bearer: str, base_url: str) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "base-url": base_url,
            "headers": {"Authorization": f"Bearer {bearer}"},
            "request-timeout": 20,
            "continue-on-failure": True,
            "seed": 1,
            # NUL is refused everywhere, by the reader of bodies: schemas do not repeat it.
            "generation": {"max-examples": EXAMPLES, "allow-x00": False, "database": "none", "no-shrink": True},
            "checks": {
                # In its place stands the check above.
                "positive_data_acceptance": {"enabled": False},
                # What is too long for its field may be too large for a body.
                "negative_data_rejection": {"expected-statuses": ["4xx"]},
            },
            # Covering each constraint of each parameter takes minutes: `schemathesis run` does it by hand.
            "phases": {name: {"enabled": False} for name in ("examples", "coverage", "stateful")},
        }
    )


def run(url: str, bearer: str) -> tuple[int, list[str]]:
    """How many requests were made, and what is wrong with their answers."""
    document = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config(bearer, url))
    made = 0
    wrong: list[str] = []
    # Streams do not end.
    for event in from_schema(document.exclude(path_regex="stream$")).execute():
        if isinstance(event, events.ScenarioFinished):
            made += len(event.recorder.cases)
            wrong += _failures(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(str(getattr(event, "info", event)))
    return made, wrong


def _failures(event: events.ScenarioFinished) -> Iterator[str]:
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.status is Status.FAILURE and check.failure_info is not None:
                info = check.failure_info
                yield f"{event.recorder.label}: {info.failure.title}\n{info.failure.message}\n{info.code_sample}"
