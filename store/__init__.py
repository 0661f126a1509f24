"""The only place that speaks SQL: connections, migrations, editions, queries."""

from store.connection import Connection, connect, open_pool, store_errors
from store.edition import Edition, detect
from store.migration import check_migrated, migrate
from store.plant import load_plant

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
