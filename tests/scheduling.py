"""Which worker gets which tests: folders whose tests share running services stay whole, and come first."""

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

SHARING = (
    "tests/failure",
    "tests/e2e",
    "tests/integration/shared",
    "tests/integration/escalation",
    "tests/integration/metrics",
    "tests/integration/intake/mail",
    "tests/integration/intake/chat",
    "tests/integration/intake/imap",
    "tests/integration/intake/trips",
    "tests/integration/intake/outbound",
    "tests/integration/intake/media",
    "tests/integration/intake/hooks",
    "tests/integration/intake/calls",
    "tests/integration/intake",
    "tests/integration/router",
    "tests/integration/cli",
)
"""Folders whose tests share services that run while they do.

The one that keeps the processors busiest comes first, beside those that wait most; what only computes is left for
the end, when both processors are to be filled.
"""

LONG = ("tests/integration/test_openapi.py", "tests/unit/intake/adapters/email/test_parsers.py")
"""Files that take more than ten seconds: the others fill what is left over beside them."""


def unit(nodeid: str) -> str:
    """What a test stays together with: its folder if that shares services, its file otherwise."""
    file = nodeid.split("::", maxsplit=1)[0]
    folders = {str(folder) for folder in PurePosixPath(file).parents}
    return next((folder for folder in SHARING if folder in folders), file)


def rank(nodeid: str) -> int:
    """Its place in the order: what takes longest first, so that no worker is left alone with it at the end."""
    first, together = (*SHARING, *LONG), unit(nodeid)
    return first.index(together) if together in first else len(first)


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc] # the plugin ships no types
    """Services that tests share start once in all, and end with the last test that needs them.

    The plugin's own ways of dealing out make every worker start them, and keep them till the very end.
    """

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
