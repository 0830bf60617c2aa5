from importlib import import_module
from pkgutil import walk_packages

import services.intake.adapters
from services.intake.adapters.erasure import FORGOTTEN, NOT_PERSONAL
from services.intake.adapters.tables import metadata


def test_every_table_says_how_a_person_is_forgotten_in_it() -> None:
    for module in walk_packages(services.intake.adapters.__path__, "services.intake.adapters."):
        if module.name.endswith("tables"):
            import_module(module.name)
    assert FORGOTTEN.isdisjoint(NOT_PERSONAL)
    assert set(metadata.tables) <= {*FORGOTTEN, *NOT_PERSONAL}
