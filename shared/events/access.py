"""Topic `waypost.access`, written by intake: tokens that are no longer good."""

from typing import ClassVar

from pydantic import AwareDatetime

from shared.events.contract import Contract


class AccessRevokedV1(Contract):
    """Every service refuses this token from now on.

    expires_at: when the token would have ended anyway; the record may be forgotten then
    """

    name: ClassVar[str] = "access.revoked"
    aggregate: ClassVar[str] = "token"
    identity: ClassVar[str] = "jti"

    jti: str
    expires_at: AwareDatetime  # whatever a token says: nothing is reckoned with it


CONTRACTS = (AccessRevokedV1,)
