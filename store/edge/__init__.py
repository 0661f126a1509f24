"""What edges are given: identities and sources to read."""
