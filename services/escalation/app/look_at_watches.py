"""Looks at queues and KPIs: begins, takes further and ends the escalations that are about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.escalation.app.escalation_teller import EscalationTeller
from services.escalation.app.finder import Finder, open_finder
from services.escalation.app.ports import ServiceLevels, Tracking, Watches, WatchKey
from services.escalation.app.stepping import Stepping
from services.escalation.app.tally import Tally, asked
from services.escalation.domain.escalation import Escalation, may_step, release, resume
from services.escalation.domain.escalation_policy import Step
from services.escalation.domain.hand_over import hands_over
from services.escalation.domain.sla_policy import PolicyHistory
from services.escalation.domain.watch import Waiting, Watch, looked, most_of_interest, next_look
from shared.db.unit_of_work import Tx
from shared.ids import IdFactory

SIGN_GONE = "sign_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One watch as it stands when it is looked at."""

    watch: Watch
    waiting: Waiting
    live: tuple[Escalation, ...]
    history: PolicyHistory
    now: datetime


async def look_at_watches(
    keys: Sequence[WatchKey],
    *,
    tx: Tx,
    watches: Watches,
    tracking: Tracking,
    levels: ServiceLevels,
    ids: IdFactory,
) -> int:
    """How many could be looked at: those that somebody else has locked are left for the next time."""
    found = await watches.lock(tx, keys, is_patient=False)
    histories = await levels.load(tx, {key[0] for key in found})
    live = await watches.live(tx, found, histories)
    waiting = await watches.waiting(
        tx,
        {
            watch: most_of_interest(watch.queue, histories[watch.workspace_id].latest.triggers)
            for watch in found.values()
            if watch.kpi is None and watch.queue is not None
        },
    )
    now = await tx.now()
    versions = {(key[0], histories[key[0]].latest.version) for key in found}
    versions |= {(one.workspace_id, one.policy_version) for group in live.values() for one in group}
    tally = Tally(await tracking.begun(tx, asked(versions, histories), now))
    looks = [
        _Look(
            watch=watch,
            waiting=waiting.get(key, Waiting()),
            live=live.get(key, ()),
            history=histories[key[0]],
            now=now,
        )
        for key, watch in found.items()
    ]
    chains = ((look.watch.workspace_id, steps) for look in looks for steps in _due(look))
    finder = await open_finder(chains, histories, tx=tx, tracking=tracking, now=now)
    after: list[Watch] = []
    changed: list[Escalation] = []
    for look in looks:
        stepping = _stepping(look, tally, finder, ids)
        after.append(_settle(look, stepping))
        changed.extend(item for item in stepping.escalations if item not in look.live)
        await watches.notify(tx, stepping.notifications)
        tx.emit(news.event for news in stepping.teller.news)
    if after:
        await watches.save(tx, after, changed)
        await tracking.save_turns(tx, finder.taken)
    return len(after)


def _due(look: _Look) -> Iterator[Sequence[Step]]:
    """The steps of whatever may be taken further or begin now."""
    latest = look.history.latest
    yield from (item.steps for item in look.live if may_step(item, look.now))
    for trigger in looked(look.watch, look.waiting, latest.triggers, look.now)[1]:
        yield latest.escalations[trigger.escalation].steps


def _stepping(look: _Look, tally: Tally, finder: Finder, ids: IdFactory) -> Stepping[Watch]:
    workspace_id = look.watch.workspace_id
    return Stepping(
        about=look.watch,
        now=look.now,
        ids=ids,
        history=look.history,
        teller=EscalationTeller(workspace_id=workspace_id, now=look.now, ids=ids, causes={}),
        tally=tally,
        finder=finder,
    )


def _settle(look: _Look, stepping: Stepping[Watch]) -> Watch:
    """The watch as it is to be kept; what becomes of its escalations is left in `stepping`."""
    triggers = look.history.latest.triggers
    after, new = looked(look.watch, look.waiting, triggers, look.now)
    for escalation in look.live:
        if escalation.trigger_id in after.shown:
            stepping.escalations.append(_went_on(escalation, stepping))
        else:
            stepping.escalations.append(stepping.resolved(escalation, SIGN_GONE))
    for trigger in new:
        stepping.escalations.append(stepping.advanced(stepping.of_trigger(trigger)))
    live = [item for item in stepping.escalations if item.is_live]
    return replace(after, look_at=next_look(after, look.waiting, triggers, live))


def _went_on(escalation: Escalation, stepping: Stepping[Watch]) -> Escalation:
    if escalation.resumes_at is not None and escalation.resumes_at <= stepping.now:
        escalation = release(resume(escalation), stepping.now)
    escalation = stepping.advanced(escalation)
    return stepping.handed_over(escalation) if hands_over(escalation, stepping.now) else escalation
