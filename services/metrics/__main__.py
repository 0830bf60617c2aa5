"""`python -m services.metrics` runs one metrics process."""

from services.metrics.service import build
from services.metrics.settings import MetricsSettings
from shared.process import main

main(build, MetricsSettings(), "metrics")
