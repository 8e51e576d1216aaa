"""Where Alembic runs a migration: on the connection, and in the transaction, that `open_store` gives it."""

from typing import Any

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.sql.schema import SchemaItem

from cloud_bridge.store.schema import VERSION_TABLE
from cloud_bridge.store.tables import metadata


def _ours(item: SchemaItem, name: str | None, kind: str, *_: Any) -> bool:
    return kind != "table" or name in metadata.tables


connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    include_object=_ours,
)
context.run_migrations()
