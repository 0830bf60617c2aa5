"""Every service against its own OpenAPI document: what is described is taken, what is not is refused."""

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.keys import token
from tests.system import BUILDS, Templates, start


@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize("name", BUILDS)
async def test_a_service_is_what_its_document_says(
    name: str, stack: Stack, templates: Templates, tmp_path: Path
) -> None:
    run = _fuzzing()
    async with start(stack, (name,), prefix=f"openapi_{name}", templates=templates, folder=tmp_path) as system:
        made, wrong = await asyncio.to_thread(run, system.url(name), token("acme"))
    assert made > 100
    assert not wrong, "\n\n".join(dict.fromkeys(wrong))


def _fuzzing() -> Callable[[str, str], tuple[int, list[str]]]:
    """Imported by the worker that runs this alone: it takes seconds.

    pytest parses it as it does tests. A collection that runs finalisers in the middle of parsing makes Python
    3.11 give up ("AST constructor recursion depth mismatch", python/cpython#106905).
    """
    gc.disable()
    try:
        from tests.integration.fuzzing import run
    finally:
        gc.enable()
    return run
