"""The documents of each kind."""
