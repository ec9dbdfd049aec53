"""Bring a database to the present schema with Alembic. Safe to run at every start, by several processes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import inspect, text

from gateway.store.engine import Store, Tx, lock

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(store: Store) -> None:
    """Run the migrations this database has not seen yet, in one transaction under a lock."""
    with store.read() as tx:
        if revision(tx) == newest():
            return
    # Nearly every start ends above, so nearly none loads Alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with store.write() as tx:
        lock(tx, "schema")
        config.attributes["connection"] = tx
        command.upgrade(config, "head")


def newest() -> str:
    """The revision of the present schema: every migration's file begins with its own, counted up."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def revision(tx: Tx) -> str | None:
    """The revision a database is at; None before the first."""
    if not inspect(tx).has_table("alembic_version"):
        return None
    return tx.execute(text("select version_num from alembic_version")).scalar()
