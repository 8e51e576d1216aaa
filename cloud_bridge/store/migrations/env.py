"""Where Alembic runs a migration: on the connection, and in the transaction, that `migrate` gives it."""

from alembic import context

from cloud_bridge.store.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
