"""Changes to what is known about devices: one by one, or a whole list from a CSV file."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from iotops.client.api import Api
from iotops.errors import ApiError, ConfigurationError

Outcome = Literal["changed", "unchanged", "unknown", "refused"]
_FIRST = ("site", "device")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file, and what became of it; `detail` says what was set, or why nothing was."""

    line: int
    site: str
    device: str
    outcome: Outcome
    detail: str

    @property
    def failed(self) -> bool:
        """Tell whether the device is not what the line says."""
        return self.outcome in ("unknown", "refused")


def device_path(site_and_device: str) -> str:
    """Return the resource of `SITE/DEVICE`."""
    site, _, device = site_and_device.partition("/")
    return f"/devices/{quote(site, safe='')}/{quote(device, safe='')}"


def change(
    api: Api, path: str, labels: Mapping[str, str | None], lifecycle: str | None, *, dry_run: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set labels (None takes one back) and lifecycle of a device; sent only for the version that was read.

    Returns:
        The device as it is then, and the body of the change: empty where nothing differed.

    Raises:
        ApiError: there is no such device, somebody else was faster, or a value is refused.
    """
    answer = api.ask("GET", path)
    wanted = _difference(answer.json(), labels, lifecycle)
    if wanted and not dry_run:
        answer = api.ask("PATCH", path, body=wanted, headers={"If-Match": answer.headers["ETag"]})
    return answer.json(), wanted


def import_devices(api: Api, file: Path, *, dry_run: bool) -> Iterator[Row]:
    """Set the labels that a CSV file gives, a device a line, and yield what became of each line.

    Columns: site, device, optionally lifecycle; every other one is a label. An empty cell leaves what is there. The
    API knows only devices that sent something or stand in devices.yaml.

    Raises:
        ConfigurationError: the file cannot be read, or lacks a column.
        ApiError: the API cannot be reached, or refuses the token.
    """
    for line, cells in list(_read(file)):  # the whole file first: a broken one changes nothing
        yield _import(api, line, cells, dry_run=dry_run)


def _import(api: Api, line: int, cells: Mapping[str, str], *, dry_run: bool) -> Row:
    site, device = cells["site"], cells["device"]
    labels = {name: value for name, value in cells.items() if name not in (*_FIRST, "lifecycle")}
    try:
        _, sent = change(api, device_path(f"{site}/{device}"), labels, cells.get("lifecycle"), dry_run=dry_run)
    except ApiError as error:
        if error.status not in (404, 412, 422):  # the others are about us, and would be the same for every line
            raise
        return Row(line, site, device, "unknown" if error.status == 404 else "refused", str(error))
    said = {**sent.get("labels", {}), **({"lifecycle": sent["lifecycle"]} if "lifecycle" in sent else {})}
    detail = ", ".join(f"{name}={value}" for name, value in said.items())
    return Row(line, site, device, "changed" if sent else "unchanged", detail)


def _difference(device: Mapping[str, Any], labels: Mapping[str, str | None], lifecycle: str | None) -> dict[str, Any]:
    """Return the body of a PATCH that makes the device what is wanted, empty where it is so already."""
    ours = device["label_sources"]["api"]
    new = {name: value for name, value in labels.items() if ours.get(name) != value}
    body: dict[str, Any] = {"labels": new} if new else {}
    if lifecycle not in (None, device["lifecycle"]):
        body["lifecycle"] = lifecycle
    return body


def _read(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and the cells that are not empty; every line has site and device."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            _check_columns(file, reader.fieldnames or ())
            for cells in reader:
                yield reader.line_num, _cells(f"{file}:{reader.line_num}", cells)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{file}: cannot be read as CSV ({error}); save it as UTF-8 text") from error


def _check_columns(file: Path, names: Iterable[str]) -> None:
    missing = [name for name in _FIRST if name not in names]
    if missing:
        found = ", ".join(names) or "nothing"
        raise ConfigurationError(
            f"{file}:1: expected a header with {' and '.join(_FIRST)} and a column for each label, found {found}"
        )


def _cells(where: str, cells: Mapping[str | Any, str | Any]) -> dict[str, str]:
    if None in cells:
        raise ConfigurationError(f"{where}: more cells than the header has columns; quote what holds a comma")
    found = {name: value.strip() for name, value in cells.items() if value is not None and value.strip()}
    missing = [name for name in _FIRST if name not in found]
    if missing:
        raise ConfigurationError(f"{where}: {' and '.join(missing)} left empty; every line names one device")
    return found
