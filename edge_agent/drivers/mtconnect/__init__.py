"""MTConnect: an agent's observations by sequence number, so that no gap goes unseen."""
