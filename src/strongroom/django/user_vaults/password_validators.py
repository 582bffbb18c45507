"""For ``AUTH_PASSWORD_VALIDATORS``: what a sign-up or password change says of a password that cannot be one.

    AUTH_PASSWORD_VALIDATORS = [{"NAME": "strongroom.django.user_vaults.password_validators.PossiblePassword"}, ...]
"""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from strongroom.credentials.passwords import PASSWORD_BYTES_MAX
from strongroom.django.user_vaults.pressure import is_acceptable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class PossiblePassword:
    """At most 4,096 bytes of UTF-8, without NUL: others are never hashed, and so would never log in."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises: ValidationError."""
        if not is_acceptable(password):
            raise ValidationError(self.get_help_text(), code="password_impossible")

    def get_help_text(self) -> str:
        """A sentence for the form."""
        return str(_("Your password can have at most %(most)s bytes, and no control character NUL.")) % {
            "most": f"{PASSWORD_BYTES_MAX:,}"
        }
