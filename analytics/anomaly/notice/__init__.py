"""Limits of single signals, and telling people what was found."""
