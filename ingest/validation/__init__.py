"""What is accepted, and what becomes a rejection."""
