"""`python -m services.router` runs one router process."""

from services.router.service import build
from services.router.settings import RouterSettings
from shared.process import main

main(build, RouterSettings(), "router")
