"""`python -m services.intake` runs one intake process."""

from services.intake.service import build
from services.intake.settings import IntakeSettings
from shared.process import main

main(build, IntakeSettings(), "intake")
