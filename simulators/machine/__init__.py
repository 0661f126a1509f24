"""How machines and lines behave."""
