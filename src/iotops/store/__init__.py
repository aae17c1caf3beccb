"""What is remembered: SQLAlchemy Core over SQLite or PostgreSQL, one `Unit` per transaction."""
