"""What the settings of all channels have in common."""

from pydantic import BaseModel, ConfigDict


class ChannelSettings(BaseModel):
    """A member that is not known is a mistake; values never show in errors, they may be secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
