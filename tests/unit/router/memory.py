"""A router's rows in memory, through the same conversions as PostgreSQL's, and a shard's engine on them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from services.router.adapters import rows, tables
from services.router.adapters.replaying import Comparison, replay
from services.router.adapters.recorded import Place, RecordedDecision, Recording
from services.router.adapters.row_json import from_json, to_json
from services.router.app.configuration import RouterPart, to_configuration
from services.router.app.ports import LoggedDecision, LoggedInput
from services.router.app.replay import RecordedInput, blank
from services.router.app.run_workspace import Command, ShardEngine
from services.router.domain import inputs
from services.router.domain.state import RoutingState
from shared.db.unit_of_work import Tx
from shared.errors import DomainError
from shared.events.envelope import Cause, Event
from shared.http.idempotency import Answer
from shared.ids import SystemIds
