"""What YAML does behind an author's back, each trap with words of its own."""

import re
from typing import NamedTuple

import yaml

from iotops.rules.source.nodes import BROKEN, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog


class _Trap(NamedTuple):
    """A trap that a regular expression recognises in the value of a line."""

    value: re.Pattern[str]
    code: str
    message: str
    hint: str


_LINE = re.compile(
    r"""
    \s*(?:-\s+)*
    (?:(?:"[^"]*"\s*|'[^']*'\s*|[^\s#:{\["'][^:#]*):\s+)?
    (?P<value>\S.*)?
    """,
    re.VERBOSE,
)
_MAX_LINE = 2_000  # nobody wrote a longer one by hand; it is not searched for traps
_STRAY = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue001-\ufffd\U00010000-\U0010ffff]")
_QUOTE_ALL = "put the whole value in single quotes"
_STARTS = '"{0}" at the start of a value makes it a YAML'
_UNREADABLE = tuple(
    _Trap(re.compile(value), code, message, hint)
    for value, code, message, hint in (
        (r"[>|]", "yaml-block-scalar", f"{_STARTS} block of text", 'begin with a name, as in "temp > 70"'),
        (r"\*", "yaml-alias", f"{_STARTS} alias", _QUOTE_ALL),
        (r"&", "yaml-anchor", f"{_STARTS} anchor", _QUOTE_ALL),
        (r"!", "yaml-tag", f"{_STARTS} tag", 'write "not", or quote the value'),
        (r"[`@%]", "yaml-reserved", 'a YAML value must not begin with "{0}"', _QUOTE_ALL),
        (
            r"\{\{",
            "yaml-template",
            '"{{{{" at the start of a value makes it a YAML map',
            "write ${{...}}, the form of texts here",
        ),
        (r"\{(?:[^{}]*[:,\[])?\s*\*", "yaml-alias", '"*" at the start of a value makes it a YAML alias', 'write "*"'),
        (
            r"\{",
            "yaml-flow-map",
            "this map in braces cannot hold such an expression",
            "write one `severity: expression` a line, without braces",
        ),
        (r"\[", "yaml-flow-list", f"{_STARTS} list", _QUOTE_ALL),
        (r"\"(?:[^\"\\]|\\.)*\"\s*[^\s#]", "yaml-quoted-start", "YAML ends this value at its second quote", _QUOTE_ALL),
        (
            r"'(?:[^']|'')*'\s*[^\s#]",
            "yaml-quoted-start",
            "YAML ends this value at its second quote",
            "put the whole value in double quotes",
        ),
        (r"[\"']", "yaml-unclosed-quote", "this quote is never closed", "close it with {0}"),
        (r"-\s", "yaml-list-item", "a list cannot begin behind a key", "put it on the next line, or in brackets"),
        (
            r".*:(\s|$)",
            "yaml-colon",
            "a colon followed by a blank starts a map inside this value",
            "put the value in quotes",
        ),
    )
)
_TRUTH_WORDS = re.compile(r"(?:yes|Yes|YES|on|On|ON)|(?:no|No|NO|off|Off|OFF)")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OCTAL = re.compile(r"[-+]?0[0-7_]+")


def scalar_trap(log: FindingLog, node: YamlScalar) -> bool:
    """Log a plain value that YAML takes for something else than it looks like; tell whether it is one."""
    text = node.text
    if _TRUTH_WORDS.fullmatch(text):
        meant = "true" if text.lower() in ("yes", "on") else "false"
        log.error(
            node.start, node.end, "yaml-truth", f"YAML reads {text} as {meant}", f'write "{text}" in quotes, or {meant}'
        )
    elif _SEXAGESIMAL.fullmatch(text):
        log.error(
            node.start,
            node.end,
            "yaml-sexagesimal",
            f"YAML reads {text} as the number {_sixties(text)}",
            f'write "{text}"',
        )
    elif _OCTAL.fullmatch(text):
        digits = text.replace("_", "")
        meaning = int(digits, 8)
        hint = f'write "{text}" in quotes, or {int(digits)}'
        log.error(node.start, node.end, "yaml-octal", f"YAML reads {text} as the octal number {meaning}", hint)
    else:
        return False
    return True


def key_trap(log: FindingLog, node: YamlNode) -> YamlScalar:
    """Return the key that `node` is; one that YAML makes into something else is logged and returned as broken."""
    broken = YamlScalar(node.start, node.end, BROKEN)
    if not isinstance(node, YamlScalar):
        if log.source.text.startswith("{", node.start - 1) or log.source.text.startswith("{{", node.start):
            message, hint = '"{{" at the start of a value makes it a YAML map', "write ${...}, the form of texts here"
            log.error(max(node.start - 1, 0), node.end, "yaml-template", message, hint)
        else:
            log.error(
                node.start, node.end, "yaml-key", "a key is a plain word, found a list or a map", "write key: value"
            )
        return broken
    if node.style or node.broken:
        return node
    if node.text == "<<":
        hint = "share values by `defaults` and `params`"
        log.error(node.start, node.end, "yaml-merge-key", "merge keys are not part of rule files", hint)
        return broken
    if _TRUTH_WORDS.fullmatch(node.text):
        meant = "True" if node.text.lower() in ("yes", "on") else "False"
        message = f"as a key YAML reads {node.text} as the truth value {meant}"
        log.error(node.start, node.end, "yaml-truth", message, f'write "{node.text}" in quotes, or another name')
        return broken
    return broken if _SEXAGESIMAL.fullmatch(node.text) and scalar_trap(log, node) else node


def tag_trap(log: FindingLog, node: YamlScalar, tag: str) -> None:
    """Log a tag."""
    shown = tag.removeprefix("tag:yaml.org,2002:")
    message = f'"!" makes this a YAML tag ("{shown[:40]}"), and rule files have none'
    log.error(node.start, node.end, "yaml-tag", message, 'write "not" for a negation, or quote the value')


def stray_character(log: FindingLog) -> bool:
    """Log the first character that YAML or this loader cannot take; tell whether there is one."""
    found = _STRAY.search(log.source.text)
    if found is None:
        return False
    message = f"the character U+{ord(found.group()):04X} cannot stand in a rule file"
    log.error(found.start(), found.end(), "yaml-character", message, "remove it")
    return True


def repair(log: FindingLog, text: str, error: yaml.YAMLError) -> str | None:
    """Log what YAML could not read, and return the text with that value blanked out, equally long.

    None where no single value is to blame: the rest of the file cannot be read.
    """
    mark = getattr(error, "problem_mark", None) or yaml.Mark("", 0, 0, 0, None, 0)
    for start in _candidates(error, mark):
        number = log.source.position(min(start, len(text))).line
        repaired = _repair_line(log, text, number)
        if repaired is not None:
            return repaired
    _structure(log, text, mark.index)
    return None


def _candidates(error: yaml.YAMLError, mark: yaml.Mark) -> list[int]:
    """Return places to look at: where the value began that could not be ended, else where reading stopped."""
    context = getattr(error, "context_mark", None)
    scanning = "quoted scalar" in str(getattr(error, "context", ""))
    return [context.index] if context is not None and scanning else [mark.index]


def _repair_line(log: FindingLog, text: str, number: int) -> str | None:
    begin, line = log.source.line_start(number), log.source.line(number).rstrip()
    found = _LINE.match(line) if len(line) <= _MAX_LINE else None
    if found is None or not found["value"] or BROKEN in text[begin : begin + len(line)]:
        return None
    value, start = found["value"], begin + found.start("value")
    for trap in _UNREADABLE:
        if trap.value.match(value):
            message, hint = trap.message.format(value[0]), trap.hint.format(value[0])
            log.error(start, start + len(value), trap.code, message, hint)
            return text[:start] + BROKEN * len(value) + text[start + len(value) :]
    return None


def _structure(log: FindingLog, text: str, index: int) -> None:
    """Log what is wrong with the shape of the file at `index`."""
    index = min(index, max(len(text) - 1, 0))
    position = log.source.position(index)
    line = log.source.line(position.line)
    tab = re.match(r" *\t", line)
    if tab:
        start = log.source.line_start(position.line) + tab.end() - 1
        log.error(start, start + 1, "yaml-tab", "YAML does not indent by tabs", "indent by blanks")
        return
    message = "YAML cannot read the file from here on"
    hint = "check the indentation, and colons, brackets and quotes above"
    log.error(index, index + 1, "yaml-syntax", message, hint)


def _sixties(text: str) -> str:
    total = 0.0
    for part in text.lstrip("+-").replace("_", "").split(":"):
        total = total * 60 + float(part or 0)
    return f"{'-' if text.startswith('-') else ''}{total:.15g}"
