"""Bring a database to the present schema with Alembic. Safe to run at every start, by several processes at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.store.engine import Store, lock


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(store: Store) -> None:
    """Run the migrations this database has not seen yet, in one transaction under a lock."""
    config = _config()
    head = ScriptDirectory.from_config(config).get_current_head()
    with store.read() as tx:
        if MigrationContext.configure(tx).get_current_revision() == head:
            return
    with store.write() as tx:
        lock(tx, "schema")
        config.attributes["connection"] = tx
        command.upgrade(config, "head")
