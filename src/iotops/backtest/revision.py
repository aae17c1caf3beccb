"""Rule files as they were: out of git, or out of another directory."""

import subprocess
from pathlib import Path
from typing import Final

from iotops.errors import ConfigurationError
from iotops.rules.rule import RuleSet
from iotops.rules.rulefile import load_rules, rules_of
from iotops.rules.source.directory import MAX_BYTES, is_rule_file

_WITHIN_S: Final = 30


def rules_at(revision_or_path: str, rules: Path) -> RuleSet:
    """Return the rules of another directory or file, or of the same one at a revision of its git repository.

    A name that exists as a path is taken for the path.

    Raises:
        ConfigurationError: neither; or git is missing, or `rules` is in no repository, or was not there then.
        RuleFileError: they cannot be loaded.
    """
    other = Path(revision_or_path)
    if other.exists():
        return load_rules(other)
    return rules_of(sources_at(revision_or_path, rules))


def sources_at(revision: str, rules: Path) -> dict[str, str]:
    """Return name -> text of the rule files at and below a path at a git revision.

    Raises:
        ConfigurationError: see `rules_at`.
    """
    place = rules.resolve()
    folder = place if place.is_dir() else place.parent
    top = Path(
        _git(folder, ["rev-parse", "--show-toplevel"], f"--against {revision}: {rules} is in no git repository")
        .decode()
        .strip()
    )
    unknown = f"--against {revision}: neither a path that exists nor a revision of the repository {top}"
    commit = _git(top, ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"], unknown)
    tree = commit.decode().strip()
    inside = place.relative_to(top.resolve()).as_posix()
    listed = _git(top, ["ls-tree", "-r", "-z", "--long", tree, "--", inside], unknown).decode(
        "utf-8", "surrogateescape"
    )
    found = {}
    for entry in filter(None, listed.split("\0")):
        (mode, _, blob, size), name = entry.partition("\t")[0].split(), entry.partition("\t")[2]
        if (
            mode.startswith("100")
            and is_rule_file(Path(name).relative_to(inside) if inside != name else Path(name))
            and int(size) <= MAX_BYTES
        ):
            found[f"{revision}:{name}"] = _git(top, ["cat-file", "blob", blob], unknown).decode("utf-8", "replace")
    if not found:
        raise ConfigurationError(f"--against {revision}: no rule files at {inside} then; name another revision")
    return found


def _git(folder: Path, arguments: list[str], otherwise: str) -> bytes:
    """Run git and return what it printed; `otherwise`: what it means if it refuses.

    Raises:
        ConfigurationError: it refused, hung, or is not installed.
    """
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_WITHIN_S, check=False)  # noqa: S603  no shell
    except FileNotFoundError as error:
        raise ConfigurationError("--against: git is not installed; install it, or name a directory") from error
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"--against: git took more than {_WITHIN_S} s in {folder}; name a directory"
        ) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ConfigurationError(otherwise + (f" ({said[-1]})" if said else ""))
    return done.stdout
