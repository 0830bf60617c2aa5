"""Carrying goes round: nobody waits until all of somebody else's tickets are carried."""

from services.escalation.adapters.carrying import in_turn


async def test_each_workspace_has_some_carried_in_turn_and_is_done_when_none_are_left() -> None:
    left = {"acme": 3, "bolt": 1, "cog": 0}
    told: list[str] = []

    async def carry(workspace_id: str, version: int) -> bool:
        told.append(f"{workspace_id} {version}")
        left[workspace_id] -= 1
        return left[workspace_id] >= 0

    behind = {"acme": 7, "bolt": 2, "cog": 4}
    async for workspace_id in in_turn(behind, carry):
        told += [f"{workspace_id} done"]
    assert told == [
        "acme 7", "bolt 2", "cog 4", "cog done", "acme 7", "bolt 2", "bolt done", "acme 7", "acme 7", "acme done",
    ]  # fmt: skip
