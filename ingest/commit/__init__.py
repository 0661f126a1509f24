"""Everything that becomes rows in one transaction."""
