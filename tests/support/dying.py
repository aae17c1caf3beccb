"""A database whose process dies in the middle of what it writes."""


class Died(Exception):
    """Stands for the end of the process."""


class DyingDatabase:
    """A database whose process dies at its n-th write transaction, before or after the commit."""

    def __init__(self, database, at, *, after_commit):
        self.dialect = database.dialect
        self.read = database.read
        self.dedicated = database.dedicated
        self._database = database
        self._left = at
        self._after_commit = after_commit

    def begin(self):
        self._left -= 1
        return self._database.begin() if self._left else self._last()

    def _last(self):
        if not self._after_commit:
            raise Died
        return _dying(self._database.begin())


class _dying:  # noqa: N801  a context manager, used like a function
    def __init__(self, unit):
        self._unit = unit

    def __enter__(self):
        return self._unit.__enter__()

    def __exit__(self, *error):
        self._unit.__exit__(*error)
        raise Died
