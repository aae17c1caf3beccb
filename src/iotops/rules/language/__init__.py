"""Tokens, parser, types: how rule text becomes a checked syntax tree with positions."""
