"""The only place that speaks SQL: connections, migrations, editions, queries."""

from store.engine.connection import Connection, connect, open_pool, store_errors
from store.engine.edition import Edition, detect
from store.engine.migration import check_migrated, migrate
from store.place.plant import load_plant

__all__ = [
    "Connection",
    "Edition",
    "check_migrated",
    "connect",
    "detect",
    "load_plant",
    "migrate",
    "open_pool",
    "store_errors",
]
