"""Changes as stored: reported by people and scripts, or seen in status payloads; and who is suspected of what."""

from iotops.store.changes.rows import ChangeFilter, change_id, create, get, page, patch
from iotops.store.changes.scene import suspects

__all__ = ["ChangeFilter", "change_id", "create", "get", "page", "patch", "suspects"]
