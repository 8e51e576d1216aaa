"""Whose database this is, and bringing it to this program's schema; works from an installed wheel."""

from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

VERSION_TABLE: Final = "wxvend_schema"
_APPLICATION_ID: Final = 0x77785642  # "wxVB", as the first migration writes it


class StoreUnusable(Exception):
    """These books cannot be opened: what was found, what is allowed, what to try."""


def refuse_strangers(db: Connection) -> None:
    """Look only. Raises StoreUnusable for another program's database, and for a newer one of ours."""
    found, known = _revision(db), _known(_config(db))
    if not found and _strange(db):
        raise StoreUnusable("found another program's tables. Try: a database of its own")
    if found and found not in known:
        newest = known[0]
        raise StoreUnusable(f"found schema {found}, allowed up to {newest}. Try: the wxvend that wrote it")


def refuse_other_schemas(db: Connection) -> None:
    """Raises StoreUnusable unless these are books of exactly this program's schema."""
    refuse_strangers(db)
    found, newest = _revision(db), _known(_config(db))[0]
    if found != newest:
        raise StoreUnusable(
            f"found schema {found or 'none'}, allowed {newest}. Try: start this wxvend's bridge once"
        )


def migrate(db: Connection) -> None:
    """Bring an empty database, or an older one of ours, to this program's schema, in one transaction."""
    config = _config(db)
    if _revision(db) != _known(config)[0]:
        command.upgrade(config, "head")


def _config(db: Connection) -> Config:
    config = Config(attributes={"connection": db})
    config.set_main_option("script_location", "cloud_bridge.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _known(config: Config) -> list[str]:
    """Every schema this program can open, the newest first."""
    return [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]


def _revision(db: Connection) -> str:
    context = MigrationContext.configure(db, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision() or ""


def _strange(db: Connection) -> bool:
    """Somebody else keeps something here."""
    stamped = db.exec_driver_sql("PRAGMA application_id").scalar() if db.dialect.name == "sqlite" else 0
    return stamped not in (0, _APPLICATION_ID) or inspect(db).get_table_names() != []
