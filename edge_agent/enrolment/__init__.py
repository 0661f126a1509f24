"""How an edge comes by its certificate, and by the next one before it ends."""
