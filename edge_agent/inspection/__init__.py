"""The technician's bench: what a source says now, and what a list of tags means."""
