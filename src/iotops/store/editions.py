"""The texts of the rule files that were in force, each edition once, so that a replay can judge by them."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
import zstandard
from sqlalchemy import select

from iotops.errors import NotFound
from iotops.store.database import Unit
from iotops.store.tables import rule_edition
from iotops.store.upsert import INSERT


def keep_edition(unit: Unit, sources: Mapping[str, str], now_ms: int) -> str:
    """Keep the texts of all rule files (name -> text), if they are not kept yet; return their digest."""
    packed = msgspec.msgpack.encode(dict(sorted(sources.items())))
    digest = blake2b(packed, digest_size=16).hexdigest()
    row = {"digest": digest, "kept_ms": now_ms, "packed": zstandard.compress(packed)}
    unit.connection.execute(INSERT[unit.dialect](rule_edition).values(row).on_conflict_do_nothing())
    return digest


def edition(unit: Unit, digest: str) -> dict[str, str]:
    """Return file name -> text of an edition.

    Raises:
        NotFound: there is none with that digest.
    """
    packed = unit.connection.execute(
        select(rule_edition.c.packed).where(rule_edition.c.digest == digest)
    ).scalar_one_or_none()
    if packed is None:
        msg = f"rule edition {digest} is not kept; the log names it, so the database is damaged or was copied in part"
        raise NotFound(msg)
    found: dict[str, str] = msgspec.msgpack.decode(zstandard.decompress(packed), type=dict[str, str])
    return found
