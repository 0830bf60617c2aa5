"""`python -m services.escalation` runs one escalation process."""

from services.escalation.service import build
from services.escalation.settings import EscalationSettings
from shared.process import main

main(build, EscalationSettings(), "escalation")
