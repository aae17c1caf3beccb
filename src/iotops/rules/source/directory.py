"""Find and read rule files: regular files below one directory, nothing that leads out of it."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from iotops.rules.finding import Finding
from iotops.rules.rule import Position

MAX_BYTES = 4_000_000
MAX_FILES = 5_000
_SUFFIXES = (".yaml", ".yml")
# They stand beside the rules and say something else.
_OTHERS = frozenset({"devices.yaml", "services.yaml", "sla.yaml", "notify.yaml"})


def read_sources(path: Path) -> tuple[Mapping[str, str], tuple[Finding, ...]]:
    """Return file name -> text of the rule files below `path` (or of the one file it is), and what cannot be read.

    Hidden files and folders are left out. Symbolic links are followed to files within the directory only.
    """
    sources: dict[str, str] = {}
    findings: list[Finding] = []
    home = (path if path.is_dir() else path.parent).resolve()
    for file in _files(path):
        try:
            sources[str(file)] = _text(file, home)
        except FileNotFoundError as error:
            hint = "create it, or name another with rules.directory (IOTOPS_RULES__DIRECTORY)"
            findings.append(_unreadable(file, "file-unreadable", error.strerror or str(error), hint))
        except OSError as error:
            findings.append(_unreadable(file, "file-unreadable", error.strerror or str(error), "check its permissions"))
        except UnicodeDecodeError as error:
            findings.append(_unreadable(file, "file-not-utf8", f"byte {error.start} is not UTF-8", "save it as UTF-8"))
        except ValueError as error:
            findings.append(_unreadable(file, "file-refused", str(error), "put a regular file there"))
    return sources, tuple(findings)


def is_rule_file(place: Path) -> bool:
    """Tell whether a file at a place below the rules directory holds rules, by its name; hidden ones do not."""
    hidden = any(part.startswith(".") for part in place.parts)
    return place.name.endswith(_SUFFIXES) and not hidden and place.name not in _OTHERS


def _files(path: Path) -> Iterator[Path]:
    """Yield the rule files in order of their names; a path that is no directory is taken for a file."""
    if not path.is_dir():
        yield path
        return
    count = 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if is_rule_file(Path(name)) and count < MAX_FILES:
                count += 1
                yield Path(folder, name)


def _text(file: Path, home: Path) -> str:
    """Return the text of a regular file.

    Raises:
        OSError, UnicodeDecodeError: as reading does.
        ValueError: it is something else, too large, or lies outside of `home`.
    """
    if not file.resolve(strict=True).is_relative_to(home):
        msg = "a symbolic link that leads out of the directory"
        raise ValueError(msg)
    # Without O_NONBLOCK opening a pipe would wait for a writer, and reload would hang.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            msg = "not a regular file"
            raise ValueError(msg)
        if found.st_size > MAX_BYTES:
            msg = f"{found.st_size} bytes, at most {MAX_BYTES} are read"
            raise ValueError(msg)
        return opened.read(MAX_BYTES).decode("utf-8")


def _unreadable(file: Path, code: str, message: str, hint: str) -> Finding:
    return Finding(Position(str(file), 1, 1), "error", code, message, hint=hint)
