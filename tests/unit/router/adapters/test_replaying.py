"""Whatever has happened is decided again as it was, through lost memories and lost commits."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.router.adapters.recorded import Place
from services.router.adapters.replaying import Comparison, replay
from services.router.app.replay import blank
from services.router.domain import inputs
from shared.vocabulary import AgentState, ChannelKind, Priority, TicketStatus
from tests.unit.router.adapters.happenings import (
    AGENTS,
    PART,
    RICH,
    Commit,
    answer,
    commits,
    facts,
    opened,
    part,
    status_set,
)
from tests.unit.router.memory import ACME, Hall


async def staffed(content: dict[str, Any] = PART) -> Hall:
    hall = Hall()
    await hall.configured(part(content))
    for name in AGENTS:
        hall.now_ += timedelta(seconds=1)
        await hall.asked(inputs.SetAgentState(agent_id=name, state=AgentState.AVAILABLE, reason=None))
    return hall


async def live(hall: Hall, happened: list[Commit], content: dict[str, Any]) -> None:
    for commit in happened:
        hall.now_ += timedelta(seconds=commit.wait_s)
        if commit.forgets:
            await hall.load()
        if commit.is_configuring:
            wanted = part(content, without=commit.without, other=commit.other)
            await hall.configured(wanted, is_whole=commit.is_whole)
        elif commit.events:
            await hall.happens(*commit.events, fails=commit.is_lost)
        else:
            await hall.asked(*commit.asked, fails=commit.is_lost)


async def replayed(hall: Hall) -> Comparison:
    until = Place(len(hall.rows.log), len(hall.rows.decided))
    return await replay(hall.rows, blank(ACME), Place(0, 0), until)


@pytest.mark.timeout(180)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(commits, min_size=5, max_size=40), st.sampled_from([PART, RICH]))
def test_a_record_of_anything_is_decided_again_as_it_was(happened: list[Commit], content: dict[str, Any]) -> None:
    async def check() -> None:
        hall = await staffed(content)
        await live(hall, happened, content)
        found = await replayed(hall)
        assert found.first == []
        assert found.inputs == len(hall.rows.log)
        assert found.decisions == len(hall.rows.decided)
        log_whole_parts(hall)
        assert (await replayed(hall)).first == []

    asyncio.run(check())


def log_whole_parts(hall: Hall) -> None:
    """Has the log as it was before changes of agents were inputs of their own."""
    written: dict[str, Any] = {}
    for row in hall.rows.log:
        payload = row["payload"]
        if row["kind"] == "Configure":
            written = payload["part"]
        elif row["kind"] == "ConfigureAgents":
            agents = {agent["id"]: agent for agent in (*written["agents"], *payload["changed"])}
            kept = [agent for name, agent in agents.items() if name not in payload["removed"]]
            written = {**written, "agents": kept}
            row.update(kind="Configure", payload={"version": payload["version"], "part": written})


ENGLISH = facts("en", "other", Priority.NORMAL, ChannelKind.EMAIL)


async def test_another_decision_is_told_with_both_sides() -> None:
    hall = await staffed()
    await hall.happens(opened("t0", ENGLISH))
    hall.rows.decided[1] = replace(hall.rows.decided[1], record={**hall.rows.decided[1].record, "agent_id": "eve"})
    found = await replayed(hall)
    assert not found.is_same
    (difference,) = found.first
    assert difference.recorded is not None
    assert difference.replayed is not None
    assert (difference.recorded[2]["agent_id"], difference.replayed[2]["agent_id"]) == ("eve", "ann")


async def test_what_a_newer_release_has_configured_is_taken_in_as_far_as_it_is_known() -> None:
    hall = await staffed()
    newer = hall.rows.log[0]["payload"]["part"]
    newer["weather"] = {"is_sunny": True}
    newer["agents"][0]["seat"] = 4
    hall.rows.configuration = 1, newer
    await hall.load()
    assert sorted(hall.state.configuration.agents) == [*AGENTS, "partner:vendor"]
    await hall.happens(opened("t0", ENGLISH))
    assert (await replayed(hall)).is_same


async def test_decisions_that_follow_from_no_input_differ() -> None:
    hall = await staffed()
    await hall.happens(opened("t0", ENGLISH))
    (_, offered) = hall.rows.decided
    hall.rows.decided.append(replace(offered, decided_at=offered.decided_at + timedelta(seconds=1)))
    found = await replayed(hall)
    assert (found.decisions, found.differing) == (3, 1)
    (difference,) = found.first
    assert (difference.input_id, difference.kind, difference.replayed) == (None, None, None)
    assert difference.recorded is not None
    assert difference.recorded[0] == "WorkOffered"
    # Up to a moment, what is left may follow from later inputs.
    until = Place(len(hall.rows.log), len(hall.rows.decided))
    assert (await replay(hall.rows, blank(ACME), Place(0, 0), until, to=hall.now_)).is_same


async def test_a_record_without_any_input_is_not_alike() -> None:
    hall = await staffed()
    await hall.happens(opened("t0", ENGLISH))
    hall.rows.log.clear()
    found = await replayed(hall)
    assert (found.inputs, found.differing) == (0, 2)


async def test_a_record_of_a_release_without_some_field_is_the_same_record() -> None:
    hall = await staffed()
    await hall.happens(opened("t0", ENGLISH))
    offered = hall.rows.decided[1]
    del offered.record["reasons"]["note"]  # type: ignore[attr-defined] # JSON
    assert (await replayed(hall)).is_same


async def test_an_input_that_is_refused_now_is_told() -> None:
    hall = await staffed()
    await hall.happens(opened("t0", ENGLISH))
    await hall.asked(answer(0, accepts=True))
    hall.rows.log[-1]["payload"]["agent_id"] = "bob"
    found = await replayed(hall)
    assert [difference.refusal for difference in found.first] == ["There is no such offer."]


async def test_a_solved_ticket_is_logged_with_what_comes_back_of_it() -> None:
    hall = await staffed()
    await hall.happens(opened("t0", ENGLISH))
    await hall.happens(status_set("t0", TicketStatus.SOLVED))
    assert hall.state.tickets == {}
    hall.now_ += timedelta(seconds=5)
    await hall.happens(status_set("t0", TicketStatus.OPEN), status_set("t0", TicketStatus.OPEN))
    assert [bool(row["brought"]) for row in hall.rows.log[-2:]] == [True, False]
    assert (await replayed(hall)).is_same


async def test_of_one_agents_change_only_that_agent_is_logged() -> None:
    hall = await staffed()
    count = len(hall.rows.log)
    await hall.happens(opened("t0", facts("de", "bill", Priority.NORMAL, ChannelKind.EMAIL)))
    await hall.configured(part(PART, other="bob"))
    await hall.configured(part(PART, without="ann", other="bob"))
    await hall.configured(part({**PART, "teams": ["night"]}, without="ann", other="bob"))
    changed, removed, whole = (row for row in hall.rows.log[count:] if row["kind"].startswith("Configure"))
    (agent,) = changed["payload"]["changed"]
    assert (agent["id"], agent["skills"], agent["queues"]) == ("bob", {"german": 4}, ["billing"])
    assert changed["payload"] == {"version": 2, "changed": [agent], "removed": []}
    assert removed["payload"] == {"version": 3, "changed": [], "removed": ["ann"]}
    assert whole["payload"]["part"]["teams"] == ["night"]
    assert hall.state.configuration.version == whole["payload"]["version"] == 4
    assert (await replayed(hall)).is_same


async def test_a_tick_is_logged_only_where_something_was_due() -> None:
    hall = await staffed()
    await hall.happens(opened("t0", ENGLISH))
    count = len(hall.rows.log)
    await hall.asked()
    assert len(hall.rows.log) == count
    hall.now_ += timedelta(minutes=1)
    await hall.asked()
    assert [row["kind"] for row in hall.rows.log[count:]] == ["Tick"]
