"""``strongroom.passwords``: the public names of password hashing."""

from strongroom.credentials.password_costs import Argon2idCost, Pbkdf2Cost
from strongroom.credentials.passwords import PasswordHasher
from strongroom.credentials.peppers import Pepper, peppers_of
from strongroom.errors import PasswordMismatch

__all__ = ["Argon2idCost", "PasswordHasher", "PasswordMismatch", "Pbkdf2Cost", "Pepper", "peppers_of"]
