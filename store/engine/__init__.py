"""Connections, migrations, editions, COPY and named queries: below every subject."""
