"""Figures of any place and window, formed when they are asked for; their JSON."""
