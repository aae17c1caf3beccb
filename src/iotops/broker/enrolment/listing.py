"""What mosquitto reads of the register: passwords, and who may publish and hear what."""

from collections.abc import Iterable

from iotops.broker.enrolment.register import Enrolled, Register

INGEST = "iotops-ingest"
_HEAD = (
    "# Written by `iotops devices`; changes are overwritten. Lines of your own stand in the file {extra} beside it.\n"
)
_INGEST_READS = (
    "iot/+/+/telemetry",
    "iot/+/+/telemetry/+",
    "iot/+/+/status",
    "iot/+/+/event",
    "$SYS/broker/publish/messages/dropped",
)
_WRITES = ("telemetry", "telemetry/+", "status", "event", "command/reply")


def password_lines(register: Register, extra: str) -> str:
    """Return the password file: a line for each user who has one. It has no head, as it knows no comments."""
    lines = [] if register.ingest_hash is None else [f"{INGEST}:{register.ingest_hash}\n"]
    lines += [f"{each.user}:{each.hash}\n" for each in register.in_force if each.hash is not None]
    return "".join(lines) + extra


def access_list(register: Register, extra: str) -> str:
    """Return the access list. Explicit topics and no patterns: whatever a device calls itself, it is not another one.

    Who stands in no block, such as a device that was revoked, may do nothing at all.
    """
    blocks = [_block(INGEST, (f"read {topic}" for topic in _INGEST_READS))]
    blocks += [_block(each.user, _rights(each)) for each in register.in_force]
    return _HEAD.format(extra="acl.extra") + "\n" + "\n".join(blocks) + (f"\n{extra}" if extra else "")


def _rights(device: Enrolled) -> Iterable[str]:
    for name in (device.device, *device.speaks_for):
        yield from (f"write iot/{device.site}/{name}/{leaf}" for leaf in _WRITES)
        yield f"read iot/{device.site}/{name}/command"


def _block(user: str, rights: Iterable[str]) -> str:
    return "\n".join((f"user {user}", *(f"topic {right}" for right in rights))) + "\n"
