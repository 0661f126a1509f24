"""Sets of ids, gaps between them, and how late they come."""
