"""The protocols over which the floor is read."""
