"""User and password of a broker that lives as long as a demonstration."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

# The format and the iteration count of mosquitto_passwd 2.0: $7$ = PBKDF2 with SHA-512, 12 bytes of salt, 64 of key.
_ITERATIONS = 101  # few, as the password below is random: there is nothing to guess that a stretched hash would protect
_SALT_BYTES = 12


@dataclass(frozen=True, slots=True)
class Credentials:
    """One user with a random password of 192 bits."""

    user: str = "iotops"
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def url(self, port: int) -> str:
        """Return the URL of a broker on loopback, password included: do not print it."""
        return f"mqtt://{quote(self.user)}:{quote(self.password)}@127.0.0.1:{port}"

    def mosquitto_line(self) -> str:
        """Return the line of a mosquitto password file, as mosquitto_passwd writes it."""
        salt = secrets.token_bytes(_SALT_BYTES)
        key = hashlib.pbkdf2_hmac("sha512", self.password.encode(), salt, _ITERATIONS)
        return f"{self.user}:$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}\n"


def write_secret(file: Path, text: str) -> None:
    """Write a file that only we may read."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text)
