"""Alembic's entry: runs the migrations on the connection handed over by `gateway.store.migrate`."""

from alembic import context

from gateway.store.desk_tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
