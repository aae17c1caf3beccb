"""The real parts that other tests lean on work themselves."""

import socket

import psycopg
import pytest


@pytest.mark.real("mosquitto")
def test_mosquitto_restarts_on_its_port(mosquitto):
    """A stopped broker comes back on the same port."""
    mosquitto.stop()
    mosquitto.start()

    socket.create_connection(("127.0.0.1", mosquitto.port), timeout=5).close()


@pytest.mark.real("postgresql")
def test_each_postgresql_database_is_empty(postgresql_url):
    """Every test gets a database of its own."""
    with psycopg.connect(postgresql_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()

    assert tables == (0,)
