"""Whole hostile messages through broker, ingest and database, with an honest edge as witness."""
