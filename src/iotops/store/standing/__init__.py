"""How services stand for those who depend on them: looked at by the ingest, remembered by days, shown to all."""

from iotops.store.standing.follow import follow, forget
from iotops.store.standing.pages import Account, Promised, Report, account, is_public

__all__ = ["Account", "Promised", "Report", "account", "follow", "forget", "is_public"]
