"""Format rule files: what they mean stays, or nothing is changed."""

from collections.abc import Mapping

from ruamel.yaml.error import YAMLError

from iotops.errors import RuleFileError, UnformattableFile
from iotops.rules.authoring.formatting.layout import laid_out, tidied
from iotops.rules.authoring.formatting.order import FILE
from iotops.rules.authoring.formatting.rewrite import rewritten
from iotops.rules.hashes import full_hash, semantic_hash
from iotops.rules.rulefile import read_rules
from iotops.rules.source.drafts import rule_of
from iotops.rules.source.nodes import YamlNode
from iotops.rules.source.text import FindingLog, SourceText
from iotops.rules.source.tree import compose


def format_sources(sources: Mapping[str, str]) -> dict[str, str]:
    """Return file name -> its text in the canonical form.

    Raises:
        RuleFileError: a file has an error; carries every finding.
        UnformattableFile: the canonical form would mean something else.
    """
    before = _meaning(sources)
    found = {name: formatted(name, text) for name, text in sources.items()}
    try:
        after = _meaning(found)
    except RuleFileError as error:
        msg = f"formatted, the files would have errors, so nothing is changed; please report it\n{error}"
        raise UnformattableFile(msg) from error
    changed = [rule for rule in {**before, **after} if before.get(rule) != after.get(rule)]
    if changed:
        msg = f"formatted, {', '.join(changed)} would mean something else, so nothing is changed; please report it"
        raise UnformattableFile(msg)
    return found


def formatted(name: str, text: str) -> str:
    """Return one file in the canonical form; whether it still means the same is for the caller to see.

    Raises:
        UnformattableFile: it uses something that cannot be written anew.
    """
    root = _tree(name, text)
    if root is None:
        return text
    try:
        anew = laid_out(rewritten(text.removeprefix("\ufeff").replace("\r\n", "\n"), root, FILE))
    except YAMLError as error:
        msg = f"{name}: cannot be written anew: {' '.join(str(error).split())}"
        raise UnformattableFile(msg) from error
    again = _tree(name, anew)
    return anew if again is None else tidied(anew, again)


def _tree(name: str, text: str) -> YamlNode | None:
    return compose(FindingLog(SourceText(name, text.removeprefix("\ufeff").replace("\r\n", "\n"))))


def _meaning(sources: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return what must stay: each rule's hashes, and the catalogue.

    Rules of other files may be asked for: a file is formatted on its own, too.

    Raises:
        RuleFileError: a file has an error.
    """
    read = read_rules(sources)
    if any(finding.level == "error" and finding.code != "unknown-rule" for finding in read.findings):
        raise RuleFileError(read.findings)
    rules = [rule_of(draft) for draft in read.drafts]
    found = {rule.id: (semantic_hash(rule, read.catalogue), full_hash(rule, read.catalogue)) for rule in rules}
    return {**found, "the catalogue": (repr(sorted(read.catalogue.items())),)}
