"""What holds for every command: help, exit status, and errors on standard error."""

import click
import pytest

from iotops.cli import COMMANDS, iotops
from iotops.cli.lazy import LazyGroup


def every_command():
    def below(command, path):
        yield path, command
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                yield from below(command.get_command(click.Context(command), name), (*path, name))

    yield from below(iotops, ("iotops",))


def test_every_command_and_option_says_what_it_is_for():
    """Nobody has to read the source to know what to type."""
    silent = [" ".join(path) for path, command in every_command() if not command.help]
    silent += [
        f"{' '.join(path)} {parameter.opts[0]}"
        for path, command in every_command()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]

    assert silent == []


def test_help_shows_no_marks_of_its_own_layout():
    """Click's mark against joining lines is a control character; written as two characters it would be printed."""
    assert [" ".join(path) for path, command in every_command() if "\\" in command.help] == []


def test_help_of_a_group_says_of_each_command_what_the_command_says_of_itself():
    """The tables of commands repeat the first line of a command's help, so that a list need not import them all."""
    said, own = {}, {}
    for path, group in every_command():
        for name, (_place, summary) in group.table.items() if isinstance(group, LazyGroup) else ():
            said[*path, name] = summary
            own[*path, name] = group.get_command(click.Context(group), name).help.splitlines()[0]

    assert len(said) > len(COMMANDS)
    assert said == own


def test_every_list_and_record_can_be_had_as_json():
    """Whatever lists or shows something does so for programs too."""
    listing = {"list", "show", "check", "test", "doctor", "timeline", "verify", "ledger", "import", "create"}
    without = [
        " ".join(path)
        for path, command in every_command()
        if path[-1] in listing
        and not isinstance(command, click.Group)
        and "--format" not in [option for parameter in command.params for option in parameter.opts]
    ]

    assert without == []


def test_help_lists_every_command(run):
    """`iotops --help` works, and names what there is."""
    ran = run("--help")

    assert ran.status == 0
    assert all(name in ran.out for name in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("incidents", "show", "x-1"),
        ("incidents", "list", "--since", "yesterday"),
        ("incidents", "list", "--state", "odd"),
        ("devices", "show", "paris"),
        ("db", "restore", "absent.db"),
        ("rules", "check", "absent.yaml"),
    ],
)
def test_usage_that_makes_no_sense_is_status_2(run, arguments):
    """A slip of the keyboard is told apart from a finding, in one line."""
    ran = run(*arguments)

    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert len(ran.err.splitlines()) == 1


def test_settings_that_cannot_work_end_a_command(run, monkeypatch):
    """The setting is named, with what was found and what to write."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", "http://nowhere")

    ran = run("doctor")

    assert ran.status == 1
    assert ran.err.startswith("error: settings: broker.url")
