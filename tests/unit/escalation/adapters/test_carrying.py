"""Carrying goes round: nobody waits until all of somebody else's tickets are carried."""

from uuid import UUID

from services.escalation.adapters.carrying import Place, in_turn


async def test_each_workspace_has_some_carried_in_turn_and_is_done_when_none_are_left() -> None:
    left = {"acme": 3, "bolt": 1, "cog": 0}
    told: list[str] = []

    async def carry(workspace_id: str, version: int, after: Place) -> Place | None:
        told.append(f"{workspace_id} {version} after {after.ticket_id.int}")
        left[workspace_id] -= 1
        return Place(version - 1, UUID(int=left[workspace_id] + 10)) if left[workspace_id] >= 0 else None

    behind = {"acme": 7, "bolt": 2, "cog": 4}
    async for workspace_id in in_turn(behind, carry):
        told += [f"{workspace_id} done"]
    assert told == [
        "acme 7 after 0", "bolt 2 after 0", "cog 4 after 0", "cog done",
        "acme 7 after 12", "bolt 2 after 10", "bolt done", "acme 7 after 11", "acme 7 after 10", "acme done",
    ]  # fmt: skip
