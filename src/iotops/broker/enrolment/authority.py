"""The authority that signs certificates of devices and of the broker: a key of our own, and the program openssl."""

import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from iotops.broker.enrolment.files import give_to_owner, write_whole
from iotops.broker.enrolment.register import Certificate
from iotops.errors import ConfigurationError

DAY_MS = 86_400_000
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_CA_DAYS = 3_650
_CRL_DAYS = 3_650  # a list that ran out would shut everybody out
_LONGEST_NAME = 64  # RFC 5280, upper bound of a common name
_WITHIN_S = 60
_CRL_SETTINGS = """\
[ca]
default_ca = ours
[ours]
database = {index}
default_md = sha256
unique_subject = no
"""


class Authority:
    """Signs in a directory: `ca.crt` and `ca.key`, made where they are missing, and `issued/`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def issue(self, name: str, *, days: int, now_ms: int, hosts: Iterable[str] = ()) -> tuple[Path, Path, Certificate]:
        """Make a key and a certificate.

        Args:
            name: its common name.
            days: how long it is good for.
            now_ms: the wall clock.
            hosts: names and addresses, of a broker's certificate; without any it is a client's.

        Returns:
            The files of certificate and key, and what the register keeps.

        Raises:
            ConfigurationError: openssl is missing or fails, or the name is too long for a certificate.
        """
        if len(name) > _LONGEST_NAME:
            msg = f"{name}: {len(name)} characters, a certificate holds {_LONGEST_NAME}; enroll it with --password"
            raise ConfigurationError(msg)
        self._found()
        issued = self._directory / "issued"
        issued.mkdir(mode=0o700, exist_ok=True)
        give_to_owner(issued)
        serial = f"{secrets.randbits(120) | 1 << 120:032X}"  # positive, of one length, and not to be guessed
        with tempfile.TemporaryDirectory(dir=self._directory) as work:
            self._sign(Path(work), name, serial, days, tuple(hosts))
            files = [issued / f"{name}.{kind}" for kind in ("crt", "key")]
            for file in files:
                write_whole(file, (Path(work) / f"new{file.suffix}").read_text())
        return files[0], files[1], Certificate(serial=serial, ends_ms=now_ms + days * DAY_MS)

    def revoke(self, certificates: Iterable[Certificate]) -> None:
        """Write the list of revoked certificates anew, for `crlfile`."""
        self._found()
        with tempfile.TemporaryDirectory(dir=self._directory) as work:
            index, settings = Path(work) / "index", Path(work) / "settings"
            index.write_text("".join(map(_index_line, certificates)))
            settings.write_text(_CRL_SETTINGS.format(index=index))
            ca = ("-cert", str(self._directory / "ca.crt"), "-keyfile", str(self._directory / "ca.key"))
            out = Path(work) / "crl"
            options = ("-config", str(settings), *ca, "-crldays", str(_CRL_DAYS), "-out", str(out))
            _openssl("ca", "-gencrl", *options)
            write_whole(self._directory / "crl.pem", out.read_text())

    def _found(self) -> None:
        """Make the authority's own key and certificate, once."""
        certificate, key = self._directory / "ca.crt", self._directory / "ca.key"
        if certificate.is_file() and key.is_file():
            return
        with tempfile.TemporaryDirectory(dir=self._directory) as work:
            made = [Path(work) / name for name in ("ca.key", "ca.crt")]
            uses = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
            subject = ("-subj", "/CN=iotops device authority", "-days", str(_CA_DAYS))
            _openssl("req", "-x509", *_KEY, "-keyout", str(made[0]), "-out", str(made[1]), *subject, *uses)
            write_whole(key, made[0].read_text())
            write_whole(certificate, made[1].read_text())

    def _sign(self, work: Path, name: str, serial: str, days: int, hosts: tuple[str, ...]) -> None:
        uses = "serverAuth" if hosts else "clientAuth"
        names = ",".join(f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in hosts)
        lines = [f"extendedKeyUsage={uses}", "basicConstraints=critical,CA:FALSE"]
        (work / "extensions").write_text("\n".join(lines + ([f"subjectAltName={names}"] if hosts else [])))
        request = ("-keyout", str(work / "new.key"), "-out", str(work / "request"), "-subj", f"/CN={name}")
        _openssl("req", "-new", *_KEY, *request)
        ca = ("-CA", str(self._directory / "ca.crt"), "-CAkey", str(self._directory / "ca.key"))
        how = ("-set_serial", f"0x{serial}", "-days", str(days), "-extfile", str(work / "extensions"))
        _openssl("x509", "-req", "-in", str(work / "request"), *ca, *how, "-out", str(work / "new.crt"))


def _openssl(*arguments: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        msg = "certificates: the program openssl is missing; install it, or enroll devices with --password"
        raise ConfigurationError(msg)
    try:
        subprocess.run([program, *arguments], check=True, capture_output=True, text=True, timeout=_WITHIN_S)  # noqa: S603  names are checked, and no shell is asked
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise ConfigurationError(f"certificates: openssl {arguments[0]} failed: {' '.join(said)[:300]}") from error


def _index_line(certificate: Certificate) -> str:
    """Return the line of openssl's index that says that a certificate is revoked."""
    ends, revoked = _utc(certificate.ends_ms), _utc(certificate.revoked_ms or 0)
    return f"R\t{ends}\t{revoked}\t{certificate.serial}\tunknown\t/CN=revoked\n"


def _utc(at_ms: int) -> str:
    """Return an instant as X.509 has it: two digits of the year until 2049 (RFC 5280, 4.1.2.5)."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.strftime("%y%m%d%H%M%SZ" if at.year < 2050 else "%Y%m%d%H%M%SZ")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
