"""Numbers summed up in cells of time, beside the figures."""
