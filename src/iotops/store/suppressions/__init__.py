"""Suppressions as stored: made and changed by people, and what their beginning and end do to incidents."""

from iotops.store.suppressions.fleet import matched
from iotops.store.suppressions.follow import follow
from iotops.store.suppressions.rows import Kept, create, get, load, page, write

__all__ = ["Kept", "create", "follow", "get", "load", "matched", "page", "write"]
