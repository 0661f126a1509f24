"""Everything that can fail between a machine and the database, on purpose, at random moments."""
