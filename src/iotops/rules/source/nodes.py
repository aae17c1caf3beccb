"""The YAML tree of a rule file: every node knows where it stands."""

from dataclasses import dataclass

BROKEN = "\ue000"  # a private-use character: fills what YAML could not read and what was already remarked on


@dataclass(frozen=True, slots=True)
class YamlScalar:
    """A value; `text[start:end]` of the file. `style` is empty for a plain one, else one of " ' | >."""

    start: int
    end: int
    text: str
    style: str = ""

    @property
    def broken(self) -> bool:
        """Tell whether a finding was already made here, so that no reader needs to complain again."""
        return BROKEN in self.text


@dataclass(frozen=True, slots=True)
class YamlList:
    """A list of nodes."""

    start: int
    end: int
    items: tuple["YamlNode", ...]


@dataclass(frozen=True, slots=True)
class YamlMap:
    """Keys with their values, in order, no key twice."""

    start: int
    end: int
    entries: tuple[tuple[YamlScalar, "YamlNode"], ...]

    def get(self, key: str) -> "YamlNode | None":
        """Return the value of `key`, None where there is none."""
        return next((value for found, value in self.entries if found.text == key), None)


YamlNode = YamlScalar | YamlList | YamlMap
