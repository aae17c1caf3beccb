"""The schema's version: which one the database has, and the way to the newest. Alembic without its command line."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from iotops.errors import NewerSchema

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x696F746F7073  # "iotops": two upgrades of one PostgreSQL database run one after the other


def at_head(connection: Connection) -> bool:
    """Tell whether the database has the newest schema that this code knows.

    Raises:
        NewerSchema: the database has a schema that this code does not know.
    """
    script = _scripts()
    found = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    if found is not None and found not in known:
        msg = (
            f"database: its schema is {found!r}, which this iotops does not know (it knows up to "
            f"{script.get_current_head()!r}); start the newer iotops that wrote it, or restore an older backup"
        )
        raise NewerSchema(msg)
    return found == script.get_current_head()


def upgrade(connection: Connection) -> None:
    """Run every migration that is missing, within the transaction of `connection`."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    script = _scripts()

    def missing(revision: str, _context: MigrationContext) -> list[object]:
        return list(script._upgrade_revs("head", revision))  # noqa: SLF001  what alembic's own commands call

    with EnvironmentContext(Config(), script, fn=missing, destination_rev="head") as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_MIGRATIONS))
