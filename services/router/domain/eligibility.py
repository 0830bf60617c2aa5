"""What an agent lacks by configuration."""

from services.router.domain.agent import AgentProfile
from services.router.domain.policy import Requirements, TierMode


def misfit(profile: AgentProfile, requirements: Requirements) -> str | None:
    """The first thing that an agent lacks by configuration, or None."""
    if requirements.queue not in profile.queues and not _helps(profile, requirements):
        return "queue"
    if profile.partner is not None:
        return None  # what it takes to do the work is the partner's affair
    if requirements.tier_mode is TierMode.EXACT:
        if profile.support_tier != requirements.support_tier:
            return "support_tier"
    elif profile.support_tier < requirements.support_tier:
        return "support_tier"
    for skill, level in requirements.skills:
        if profile.skills.get(skill, 0) < level:
            return f"skill:{skill}"
    for skill in requirements.without:
        if skill in profile.skills:
            return f"without:{skill}"
    if requirements.teams and profile.teams.isdisjoint(requirements.teams):
        return "team"
    return None


def barred(profile: AgentProfile, requirements: Requirements) -> str | None:
    """What keeps an agent from having work that is handed to them by name, or None.

    Who hands it over judges skills and teams, but nobody gets the work of queues that are not theirs, or of a
    higher tier.
    """
    if requirements.queue not in profile.queues and not _helps(profile, requirements):
        return "queue"
    if profile.partner is None and profile.support_tier < requirements.support_tier:
        return "support_tier"
    return None


def _helps(profile: AgentProfile, requirements: Requirements) -> bool:
    """Whether they are in a queue that a step has added. A partner does only what waits in its own queue."""
    return profile.partner is None and not profile.queues.isdisjoint(requirements.also)
