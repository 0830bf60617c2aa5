"""Phone numbers, normalised so that one number is one identity."""

import re

import phonenumbers

from services.intake.domain.calling_back import Line
from services.intake.domain.message import Identity, IdentityKind

_DECORATION = re.compile(r"[\s().\-/]")
_COSTLY = (phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST)


def phone_identity(number: str, region: str | None) -> Identity:
    """The identity behind a number: E.164 where it can be read, otherwise what stands there without decoration.

    region: of the channel, for numbers without a country's prefix; short codes are numbers of no country
    """
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is not None and phonenumbers.is_possible_number(parsed):
        value = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    else:
        value = _DECORATION.sub("", number)
    return Identity(kind=IdentityKind.PHONE, value=value)


def caller_identity(caller: str, region: str | None) -> Identity:
    """The identity behind who calls: a number, or the name by which a telephone system knows them."""
    if "@" in caller or ":" in caller or not any(character.isdigit() for character in caller):
        return Identity(kind=IdentityKind.HANDLE, value=caller)
    return phone_identity(caller, region)


def is_region(region: str) -> bool:
    """Whether there are phone numbers of a country."""
    return region in phonenumbers.SUPPORTED_REGIONS


def line_of(number: str) -> Line:
    """What a number with its country's prefix tells of itself."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return Line(region=None)
    region = phonenumbers.region_code_for_number(parsed)
    return Line(
        # Satellites and the like are of no country.
        region=region if region is not None and is_region(region) else None,
        is_costly=phonenumbers.number_type(parsed) in _COSTLY,
    )
