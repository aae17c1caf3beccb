"""Numbers in sentences."""


def counted(count: int, word: str, plural: str = "") -> str:
    """Return a count with its noun: `1 rule`, `2 rules`, `0 dead letters`; `plural` where an s is not enough."""
    return f"{count} {word if count == 1 else plural or word + 's'}"
