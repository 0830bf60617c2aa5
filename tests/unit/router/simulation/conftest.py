"""Which simulations run: those that need a million arrivals only in `make simulation`, in an hour or so."""

from tests.unit.router.simulation.floor import SCALE

collect_ignore = [] if SCALE >= 10 else ["test_heavy_load.py"]
