"""Which devices a suppression is about now."""

from collections.abc import Iterable, Iterator, Sequence

from iotops.incidents.landscape import Landscape
from iotops.incidents.suppression import Subject, Suppression, subject_of
from iotops.store import fleet, topology
from iotops.store.database import Unit
from iotops.telemetry.reading import DeviceKey


def subjects(unit: Unit) -> dict[DeviceKey, Subject]:
    """Return every device that is not retired, by site and id, as suppressions look at it."""
    devices = [each for each in fleet.every(unit) if each.lifecycle == "active"]
    landscape = Landscape()
    landscape.adopt(*topology.landscape(unit))
    for each in devices:
        landscape.place(each.key, each.labels)
    found = {each.key: subject_of(each.key, each.labels, None, landscape.service_of(each.key)) for each in devices}
    return dict(sorted(found.items()))


def matched(unit: Unit, suppressions: Iterable[Suppression], sites: Sequence[str] = ()) -> dict[str, list[DeviceKey]]:
    """Return id -> the devices it is about, whichever rules it names; by site and id. `sites`: only of these."""
    wanted = list(suppressions)
    everybody = subjects(unit) if wanted else {}
    return {each.id: list(_meant(each, everybody, sites)) for each in wanted}


def _meant(suppression: Suppression, everybody: dict[DeviceKey, Subject], sites: Sequence[str]) -> Iterator[DeviceKey]:
    for key, subject in everybody.items():
        if (not sites or key.site in sites) and suppression.matcher.fits_device(subject):
            yield key
