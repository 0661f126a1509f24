"""How much is written together, whose turn it is, and what is done when it fails."""
