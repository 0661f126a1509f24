"""Dirty windows computed again: rows in, figures out."""
