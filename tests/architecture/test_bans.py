"""Each rule holds everywhere, and each would notice."""

import pytest

from tests.architecture.bans import product_files, violations


def test_every_call_is_made_from_its_home() -> None:
    found = [problem for path, source in product_files() for problem in violations(path, source)]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "from datetime import datetime\nnow = datetime.now()",
        "import time\nnow = time.time()",
        "import uuid\nname = uuid.uuid4()",
        "from uuid import uuid4\nname = uuid4()",
        "import random",
        "from random import choice",
        "import os\nport = os.environ['PORT']",
        "import asyncio\nasyncio.create_task(work())",
        "await connection.commit()",
        "from aiokafka import AIOKafkaProducer",
        "from unittest.mock import patch",
        "from starlette.middleware.base import BaseHTTPMiddleware",
    ],
)
def test_a_planted_violation_is_found(planted: str) -> None:
    assert list(violations("services/router/api/agents.py", planted))


def test_a_home_may() -> None:
    assert not list(violations("shared/clock.py", "from datetime import datetime\nnow = datetime.now()"))
