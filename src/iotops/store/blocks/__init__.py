"""Arrivals of one device, packed column by column: exact, and a tenth of the size."""

from iotops.store.blocks.block import Block, pack_block

__all__ = ["Block", "pack_block"]
