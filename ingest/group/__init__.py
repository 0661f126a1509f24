"""How much is written together, and what is done when that fails."""
