"""What stands behind the devices, as stored: sites, suppliers, services, and what depends on what."""

from iotops.store.topology.dependencies import Edge, add, edges, remove
from iotops.store.topology.entries import KINDS, Entry, change, create, delete, every, get, page
from iotops.store.topology.files import declare, declare_promises
from iotops.store.topology.head import version
from iotops.store.topology.whole import landscape, service_of

__all__ = [
    "KINDS",
    "Edge",
    "Entry",
    "add",
    "change",
    "create",
    "declare",
    "declare_promises",
    "delete",
    "edges",
    "every",
    "get",
    "landscape",
    "page",
    "remove",
    "service_of",
    "version",
]
