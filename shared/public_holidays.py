"""Public holidays of countries and their parts, worked out a year at a time."""

from collections.abc import Iterable
from datetime import date

from shared.calendar import Holidays


def public_holidays(country: str, subdivision: str | None) -> Holidays:
    """From a year to its public holidays. Raises ValueError for places that the package does not know."""
    # Late: it takes memory that an idle process without holidays does not need.
    import holidays

    try:
        holidays.country_holidays(country, subdiv=subdivision, years=[])
    except NotImplementedError:
        place = f"{country} {subdivision}" if subdivision else country
        raise ValueError(f"the public holidays of {place} are not known") from None

    def of_year(year: int) -> Iterable[date]:
        return list(holidays.country_holidays(country, subdiv=subdivision, years=year))

    return of_year
