"""What was not accepted, whoever refused it."""
