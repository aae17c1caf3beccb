"""Enrolling, rotating and revoking: the register is changed, and the broker's files follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iotops.broker.credentials import Credentials
from iotops.broker.enrolment import register as register_file
from iotops.broker.enrolment.authority import Authority
from iotops.broker.enrolment.files import alone, write_whole
from iotops.broker.enrolment.listing import INGEST, access_list, password_lines
from iotops.broker.enrolment.register import Certificate, Enrolled, Register, user_of
from iotops.errors import Conflict, NotFound
from iotops.telemetry.reading import DeviceKey


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential to hand to a device: a password, told this once, or the files of a certificate and its key."""

    device: Enrolled
    password: str | None = None
    certificate: Path | None = None
    key: Path | None = None


class Clerk:
    """Works on one directory; every call holds its lock and leaves all files in step.

    Args:
        directory: of register, authority and the broker's files.
        certificate_days: how long a certificate is good for.
    """

    def __init__(self, directory: Path, certificate_days: int) -> None:
        self._directory = directory
        self._days = certificate_days
        self._authority = Authority(directory)

    def enroll(self, key: DeviceKey, now_ms: int, *, password: bool, speaks_for: tuple[str, ...] = ()) -> Issued:
        """Give a device a credential.

        Raises:
            Conflict: it has one.
            ConfigurationError: the directory, or openssl, cannot be used.
        """
        with alone(self._directory):
            known = register_file.load(self._directory)
            found = known.find(key)
            if found is not None and found.revoked_ms is None:
                raise Conflict(f"{key} is enrolled; `iotops devices rotate {key}` gives it a new credential")
            before = () if found is None else found.certificates
            fresh = Enrolled(
                site=key.site,
                device=key.device,
                kind="password" if password else "certificate",
                speaks_for=speaks_for,
                certificates=before,
                enrolled_ms=now_ms,
            )
            return self._issue(known, fresh, now_ms)

    def rotate(self, key: DeviceKey, now_ms: int, *, keep_old: bool = False) -> Issued:
        """Give a device a new credential of the same kind; the old one ends, or with `keep_old` its certificate stays.

        Raises:
            NotFound: it is not enrolled.
        """
        with alone(self._directory):
            known = register_file.load(self._directory)
            found = _enrolled(known, key)
            if not keep_old:
                found = _without_certificates(found, now_ms)
            return self._issue(known, found.model_copy(update={"rotated_ms": now_ms}), now_ms)

    def revoke(self, key: DeviceKey, now_ms: int) -> Enrolled:
        """Take a device's credential away.

        Raises:
            NotFound: it is not enrolled.
        """
        with alone(self._directory):
            known = register_file.load(self._directory)
            found = _without_certificates(_enrolled(known, key), now_ms)
            gone = found.model_copy(update={"hash": None, "revoked_ms": now_ms})
            self._publish(known.replacing(gone))
            return gone

    def prepare(self, hosts: Sequence[str], now_ms: int) -> dict[str, Path]:
        """Make what the broker and ingest need: ingest's password, the authority, a certificate for the broker's hosts.

        What is there stays. Without hosts there is no certificate; its files are named after the first of them.
        Returns name -> file of what was made.
        """
        made: dict[str, Path] = {}
        with alone(self._directory):
            known = register_file.load(self._directory)
            if known.ingest_hash is None:
                credentials = Credentials(INGEST)
                made["password of ingest"] = self._directory / "ingest.password"
                write_whole(made["password of ingest"], credentials.password + "\n")
                known = known.model_copy(update={"ingest_hash": _hash(credentials)})
            if hosts:
                days = max(self._days, 1)
                certificate, key, _ = self._authority.issue(hosts[0], days=days, now_ms=now_ms, hosts=hosts)
                made |= {"certificate of the broker": certificate, "key of the broker": key}
                self._authority.revoke(_revoked(known))
            self._publish(known)
        return made

    def listed(self) -> tuple[Enrolled, ...]:
        """Return everybody in the register, revoked ones included."""
        return tuple(sorted(register_file.load(self._directory).devices, key=lambda each: each.key))

    def _issue(self, known: Register, device: Enrolled, now_ms: int) -> Issued:
        if device.kind == "password":
            credentials = Credentials(user_of(device.key))
            device = device.model_copy(update={"hash": _hash(credentials)})
            issued = Issued(device, password=credentials.password)
        else:
            certificate, key, signed = self._authority.issue(device.user, days=self._days, now_ms=now_ms)
            device = device.model_copy(update={"certificates": (*device.certificates, signed)})
            issued = Issued(device, certificate=certificate, key=key)
        self._publish(known.replacing(device))
        return issued

    def _publish(self, register: Register) -> None:
        """Write everything that follows from a register, and at last the register itself.

        A crash in between leaves the register as it was, and the next call writes the files again.
        """
        revoked = _revoked(register)
        if revoked or (self._directory / "crl.pem").exists():
            self._authority.revoke(revoked)
        write_whole(self._directory / "acl", access_list(register, self._extra("acl.extra")))
        write_whole(self._directory / "passwords", password_lines(register, self._extra("passwords.extra")))
        register_file.save(self._directory, register)

    def _extra(self, name: str) -> str:
        file = self._directory / name
        return file.read_text(encoding="utf-8") if file.is_file() else ""


def _enrolled(known: Register, key: DeviceKey) -> Enrolled:
    found = known.find(key)
    if found is None or found.revoked_ms is not None:
        raise NotFound(f"{key} is not enrolled; `iotops devices enroll {key}` does that")
    return found


def _without_certificates(device: Enrolled, now_ms: int) -> Enrolled:
    """Return a device none of whose certificates are good any more."""
    ended = [
        each if each.revoked_ms is not None else each.model_copy(update={"revoked_ms": now_ms})
        for each in device.certificates
    ]
    return device.model_copy(update={"certificates": tuple(ended)})


def _revoked(register: Register) -> list[Certificate]:
    found = [each for device in register.devices for each in device.certificates]
    return [each for each in found if each.revoked_ms is not None]


def _hash(credentials: Credentials) -> str:
    return credentials.mosquitto_line().rstrip("\n").partition(":")[2]
