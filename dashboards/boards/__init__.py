"""Every board: one module each."""
