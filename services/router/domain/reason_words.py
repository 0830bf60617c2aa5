"""The reasons that decisions name, in words."""

_OBSTACLES = {
    "queue": "not in the queue",
    "support_tier": "of another support tier",
    "capacity": "without room",
    "no_room_ever": "whose capacity never lets them",
    "refused": "who had refused it",
    "asked": "already asked",
    "team": "of other teams",
    "off_shift": "off shift",
    "time_off": "on leave",
    "reserved": "kept free for another queue",
}
_FALLEN_BACK = {
    "partner_declined": "The partner declined: back in the house",
    "partner_silent": "The partner did not answer in time: back in the house",
    "partner_returned": "The partner gave it back: back in the house",
    "partner_late": "The partner was not done in time: back in the house",
    "partner_removed": "The queue stands for no partner any more: back in the house",
    "partner_done": "The partner is done; the ticket is unsolved, so the house has it",
}
_REASONS = {
    "accepted_by_other": "somebody else was quicker",
    "agent_changed": "the agent may not have it any more",
    "agent_left": "the agent is not there",
    "assigned_by_hand": "it was assigned by hand",
    "call_ended": "its call is over",
    "closed": "its ticket was closed",
    "declined": "the offer was declined",
    "escalation": "it was escalated",
    "expired": "the offer was not answered in time",
    "merged": "its ticket was merged into another one",
    "off_shift": "the agent's shift has ended",
    "partner_changed": "another partner is asked",
    "partner_removed": "the queue stands for no partner any more",
    "policy_changed": "the policy has changed",
    "released": "it was given back",
    "requirements_changed": "it asks for something else now",
    "solved": "its ticket was solved",
    "step": "it has waited for so long",
    "ticket_updated": "its ticket has changed",
    "time_off": "the agent's leave has begun",
    "transfer": "it was transferred",
}
_NOTES = {"all_declined": "everybody who could be asked has refused it"}


def obstacle(reason: str) -> str:
    """What keeps somebody from being asked, as what follows a number or a name."""
    kind, _, what = reason.partition(":")
    if kind == "state":
        return what
    if kind == "skill":
        return f"lacking {what}"
    if kind == "without":
        return f"with {what}, which is ruled out"
    return _OBSTACLES.get(reason, reason)


def because(reason: str) -> str:
    """Why something is so, as what follows *because*."""
    return _REASONS.get(reason, f"of {plain(reason)}")


def back(reason: str) -> str:
    """Why work waits again."""
    return _FALLEN_BACK.get(reason) or f"Back in line because {because(reason)}"


def noted(note: str) -> str:
    """What a record notes."""
    return _NOTES.get(note, note)


def plain(word: str) -> str:
    """A word of the wire."""
    return word.replace("_", " ")
