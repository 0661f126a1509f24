"""Edges: how they are, and the certificates they get."""
