"""What an identity provider proves about a person; rbac decides who that is here and what he may."""

from dataclasses import dataclass, field
from typing import Final

from apps.common.errors import Forbidden

MOST_GROUPS: Final = 1000


@dataclass(frozen=True)
class Identity:
    """`subject` never changes at the provider; the e-mail may, and joins an account only when it is verified."""

    provider: str
    subject: str
    email: str = ""
    email_verified: bool = False
    first_name: str = ""
    last_name: str = ""
    groups: tuple[str, ...] = field(default=())


class SignInRefused(Forbidden):
    """The provider sent the person back without proof, or the proof cannot be used."""
