"""How many shards the systems of the tests have.

Fewer than an installation: partitions are what a system costs when it starts and while it idles, and a test's few
workspaces are spread over these all the same. The failure tests and the benchmarks keep the installation's number.
"""

from shared.events import catalog

SHARDS = 4


def shard_of(workspace_id: str) -> int:
    """The shard of a workspace in such a system."""
    return catalog.shard_of(workspace_id, SHARDS)
