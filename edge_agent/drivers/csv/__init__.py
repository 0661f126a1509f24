"""Recorded files, replayed once."""
