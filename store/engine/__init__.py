"""Connections, migrations, editions, named queries: below every subject."""
