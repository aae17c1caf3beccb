"""Who is enrolled: a file that the others are made from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from iotops.broker.enrolment.files import write_whole
from iotops.errors import ConfigurationError
from iotops.telemetry.reading import DeviceKey

FILE = "register.json"


class Certificate(BaseModel):
    """A certificate that was signed: what a list of revoked ones needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    serial: str  # hexadecimal, capitals
    ends_ms: int
    revoked_ms: int | None = None


class Enrolled(BaseModel):
    """A device with its credential.

    Attributes:
        speaks_for: devices of its site that it may publish for as well, as a gateway does.
        hash: of its password, as mosquitto has it; None where it proves itself by a certificate.
        certificates: every one that was signed for it, the newest last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str
    device: str
    kind: Literal["password", "certificate"]
    speaks_for: tuple[str, ...] = ()
    hash: str | None = None
    certificates: tuple[Certificate, ...] = ()
    enrolled_ms: int
    rotated_ms: int | None = None
    revoked_ms: int | None = None

    @property
    def key(self) -> DeviceKey:
        """Return which device it is."""
        return DeviceKey(self.site, self.device)

    @property
    def user(self) -> str:
        """Return what the broker calls it."""
        return user_of(self.key)


class Register(BaseModel):
    """All devices that are or were enrolled, and the hash of ingest's own password."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ingest_hash: str | None = None
    devices: tuple[Enrolled, ...] = ()

    @property
    def in_force(self) -> tuple[Enrolled, ...]:
        """Return those that are not revoked, by site and device."""
        return tuple(sorted((each for each in self.devices if each.revoked_ms is None), key=lambda each: each.key))

    def find(self, key: DeviceKey) -> Enrolled | None:
        """Return a device, revoked or not; None where it never was enrolled."""
        return next((each for each in self.devices if each.key == key), None)

    def replacing(self, *changed: Enrolled) -> "Register":
        """Return a register in which these are as given."""
        keys = {each.key for each in changed}
        rest: Iterable[Enrolled] = (each for each in self.devices if each.key not in keys)
        return self.model_copy(update={"devices": (*rest, *changed)})


def user_of(key: DeviceKey) -> str:
    """Return a name that no two devices share: no name holds an `@`, and a `:` would end it in a password file."""
    return f"{key.device}@{key.site}".replace(":", "%3A")


def load(directory: Path) -> Register:
    """Return the register of a directory; an empty one where there is none.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    file = directory / FILE
    try:
        return Register.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return Register()
    except (OSError, ValidationError) as error:
        msg = f"{file}: {type(error).__name__}; it is written by `iotops devices enroll` only, restore it from a backup"
        raise ConfigurationError(msg) from error


def save(directory: Path, register: Register) -> None:
    """Write the register down."""
    write_whole(directory / FILE, register.model_dump_json(indent=1) + "\n")
