"""The settings of this run."""

import click

from iotops import settings


def load_settings(ctx: click.Context) -> settings.Settings:
    """Read the settings of this run, once."""
    return settings.load(ctx.find_root().obj)
