"""Reading fleet files; every finding says file, line, what was found and what was expected."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from pydantic import ValidationError

from iotops.errors import ConfigurationError
from simulators.faults import KINDS
from simulators.fleet import FaultEntry, Fleet, Group
from simulators.physics import MODELS

SHIPPED = Path(__file__).parent / "fleets"


class FleetError(ConfigurationError):
    """A fleet file that cannot be used, or a fault or option that does not fit the fleet."""


def find_fleet(name: str) -> Path:
    """Return the file of a fleet: a path that exists, or the name of a shipped one.

    Raises:
        FleetError: neither; the text lists what ships.
    """
    for file in (Path(name), SHIPPED / f"{name}.yaml"):
        if file.is_file():
            return file
    shipped = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.yaml")))
    msg = f"fleet {name!r}: no such file, and no fleet of that name ships; write a path or one of {shipped}"
    raise FleetError(msg)


def load_fleet(file: Path) -> Fleet:
    """Read and check a fleet file.

    Raises:
        FleetError: with one line per finding, `file:line: where: what is wrong`.
    """
    try:
        text = file.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file}: cannot be read ({error}); expected a fleet in YAML"
        raise FleetError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{file}: not YAML: {error}"
        raise FleetError(msg) from error
    try:
        fleet = Fleet.model_validate(raw)
    except ValidationError as error:
        raise FleetError("\n".join(_findings(file, root, error))) from error
    faults = list(_misfits(fleet))
    if faults:
        raise FleetError("\n".join(f"{file}:{_line(root, where)}: {_dotted(where)}: {what}" for where, what in faults))
    return fleet


def members_of(fleet: Fleet, fault: FaultEntry) -> list[Group]:
    """Return the groups some of whose devices a fault's `device` glob matches."""
    return [group for group in fleet.groups if any(fnmatchcase(name, fault.device) for name in names(group))]


def names(group: Group) -> Iterator[str]:
    """Yield the names of a group's devices at one site."""
    width = max(2, len(str(group.count)))
    return (f"{group.name}-{number:0{width}}" for number in range(1, group.count + 1))


Where = Sequence[int | str]


def _misfits(fleet: Fleet) -> Iterator[tuple[Where, str]]:
    """Find what is right in itself and wrong in this fleet."""
    known = {name for group in fleet.groups for name in names(group)}
    own = {name for group in fleet.groups if group.connection == "own" for name in names(group)}
    called = {group.name for group in fleet.groups}
    for index, sites in enumerate(fleet.sites):
        for name in sorted(set(sites.groups or ()) - called):
            yield ("sites", index, "groups"), f"no group {name!r}; there are {_few(called)}"
    for index, group in enumerate(fleet.groups):
        if group.connection == "gateway" and group.gateway not in own:
            what = "no device with connection: own; there are" if own else "no device has connection: own at a site; of"
            yield ("groups", index, "gateway"), f"{group.gateway!r} is {what} {_few(own or known)}"
    for index, fault in enumerate(fleet.faults):
        groups = members_of(fleet, fault)
        if not groups:
            yield ("faults", index, "device"), f"{fault.device!r} matches no device; there are {_few(known)}"
        for group in groups:
            model = MODELS[group.type]
            if KINDS[fault.kind].acts_on == "world" and fault.kind not in model.WORLD:
                can = ", ".join(sorted(model.WORLD)) or "no fault of its own"
                yield ("faults", index, "kind"), f"a {group.type} has no {fault.kind}; its physics knows {can}"
            if fault.metric is not None and fault.metric not in model.METRICS:
                yield (
                    ("faults", index, "metric"),
                    f"a {group.type} has no metric {fault.metric!r}; it has {', '.join(model.METRICS)}",
                )


def _few(known: set[str]) -> str:
    shown = sorted(known)[:8]
    return ", ".join(shown) + (", ..." if len(known) > len(shown) else "")


def _findings(file: Path, root: yaml.Node | None, error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        where = [part for part in fault["loc"] if not str(part).startswith("function-")]
        found = "" if isinstance(fault["input"], dict | list) else f", found {fault['input']!r}"
        what = fault["msg"].removeprefix("Value error, ")
        yield f"{file}:{_line(root, where)}: {_dotted(where) or 'the file'}: {what}{found}"


def _dotted(where: Where) -> str:
    return ".".join(str(part) for part in where)


def _line(node: yaml.Node | None, where: Where) -> int:
    """Return the line of a path into the document, or of the innermost part that is there."""
    if node is None:
        return 1
    for part in where:
        found: yaml.Node | None = None
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == str(part)), None)
        if found is None:
            break
        node = found
    return int(node.start_mark.line) + 1
