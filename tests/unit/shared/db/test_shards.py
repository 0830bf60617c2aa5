"""How many shards a process may hold."""

import pytest

from shared.db.shards import fair_share


@pytest.mark.parametrize(("members", "share"), [(1, 12), (2, 6), (5, 3), (12, 1), (13, 1)])
def test_a_fair_share_leaves_no_shard_without_a_holder(members: int, share: int) -> None:
    assert fair_share(12, members) == share
