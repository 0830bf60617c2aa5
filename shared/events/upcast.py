"""Old versions to new ones. Each step is a pure function from a contract to its successor."""

from collections.abc import Callable, Mapping

from shared.events.contract import Contract

Upcaster = Callable[[Contract], Contract]

UPCASTERS: Mapping[type[Contract], Upcaster] = {}
"""From a superseded contract's class to the function that gives its successor. Empty until the first V2."""


def upcast(data: Contract, upcasters: Mapping[type[Contract], Upcaster] = UPCASTERS) -> Contract:
    """The newest version of what `data` says. Readers see nothing older."""
    while step := upcasters.get(type(data)):
        data = step(data)
    return data
