"""Alembic's entry: runs the migrations on the connection handed over by `gateway.store.migrate`."""

from alembic import context

from gateway.store import account_tables  # noqa: F401 - all tables are known by being imported.
from gateway.store.desk_tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
