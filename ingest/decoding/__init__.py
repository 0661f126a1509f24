"""From bytes to columns."""
