"""Alembic's entry: runs the migrations on the connection handed over by `gateway.store.migrate`."""

from alembic import context

from gateway.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
