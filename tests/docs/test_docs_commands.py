"""Every command that the documentation shows can be typed as it stands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from iotops.cli import iotops
from simulators.command import main as simulators

HOME = Path(__file__).resolve().parents[2]
PAGES = sorted([*HOME.glob("*.md"), *HOME.glob("docs/**/*.md")])
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
VARIABLE = re.compile(r"[A-Z_]+=\S+")
PROGRAMS = {"iotops": iotops, "python -m simulators": simulators}
ENDS = frozenset({"|", "&&", ";", ">", "#", "..."})


def command_lines(page: Path) -> Iterator[str]:
    """Yield what a reader could type: lines of code blocks, and commands in backticks."""
    text = page.read_text(encoding="utf-8")
    for body in FENCE.findall(text):
        yield from (line.removeprefix("$ ") for line in body.splitlines())
    prose = FENCE.sub("", text)
    yield from (" ".join(found.split()) for found in re.findall(r"`([^`]+)`", prose))


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield program and arguments of every command of ours on a page."""
    for line in command_lines(page):
        typed = re.sub(rf"^(?:{VARIABLE.pattern}\s+)*", "", line)
        for program in PROGRAMS:
            if typed.startswith(f"{program} "):
                yield program, list(arguments_of(typed.removeprefix(program)))


def arguments_of(typed: str) -> Iterator[str]:
    for word in shlex.split(typed):
        if word in ENDS:
            return
        yield word


def check_commands(page: Path) -> None:
    """Check every command on a page."""
    for program, words in commands(page):
        check_command(PROGRAMS[program], words)


def check_command(group: click.Command, words: list[str]) -> None:
    """Walk the commands that the words name; then every option must be one of the last command's."""
    context = click.Context(group, info_name=group.name)
    while isinstance(group, click.Group):
        while words and words[0].startswith("-"):
            words = words[options_taken(group, words, context) :]
        if not words:
            return
        found = group.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]!r}"
        group, words = found, words[1:]
        context = click.Context(group, info_name=group.name, parent=context)
    while words:
        words = words[options_taken(group, words, context) if words[0].startswith("-") else 1 :]


def options_taken(command: click.Command, words: list[str], context: click.Context) -> int:
    """Return how many words the first option takes: itself, and its value."""
    name = words[0].partition("=")[0]
    for option in command.get_params(context):
        if name in (*option.opts, *option.secondary_opts):
            flag = isinstance(option, click.Option) and (option.is_flag or option.count)
            if not flag and isinstance(option.type, click.Choice):
                assert words[1] in option.type.choices or words[1].isupper(), f"{name} does not take {words[1]!r}"
            return 1 if flag or "=" in words[0] else 2
    if re.fullmatch(r"-\d.*|-", words[0]):
        return 1  # a negative number, or standard input
    pytest.fail(f"{command.name} has no option {name}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOME)))
def test_every_command_on_a_page_can_be_typed(page):
    """Commands and options that the pages name exist."""
    check_commands(page)


def test_the_pages_name_commands_at_all():
    """The search for commands finds those that the README is built around."""
    found = {" ".join(words[:2]) for program, words in commands(HOME / "README.md") if program == "iotops"}

    assert {"up", "rules check", "rules test", "incidents list", "ledger published.csv"} <= found


@pytest.mark.parametrize(
    "wrong", ["iotops rules chekc", "iotops db backup --fast x", "iotops token create --role king"]
)
def test_a_command_that_does_not_exist_is_found_out(wrong, tmp_path):
    """The check itself refuses unknown commands, options and choices."""
    page = tmp_path / "page.md"
    page.write_text(f"```\n{wrong}\n```\n")

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check_commands(page)


def test_every_target_of_make_on_a_page_exists():
    """`make NAME` in the pages is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (HOME / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {found[1] for page in PAGES for line in command_lines(page) if (found := re.match(r"make ([a-z-]+)", line))}

    assert {"demo", "test"} <= named <= targets
