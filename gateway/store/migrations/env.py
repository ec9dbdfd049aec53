"""Alembic's entry: runs the migrations on the connection handed over by `gateway.store.migrate`."""

from alembic import context

given = context.config.attributes
context.configure(connection=given["connection"], target_metadata=given["metadata"], transactional_ddl=False)
context.run_migrations()
