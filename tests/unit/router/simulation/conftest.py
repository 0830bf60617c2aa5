"""Which simulations run: those that need a million arrivals only in `make simulation`, in an hour or so."""

from tests.unit.router.simulation.floor import IS_LONG

collect_ignore = [] if IS_LONG else ["test_heavy_load.py"]
