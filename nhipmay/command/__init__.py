"""The commands, a module per group; each imports its own service's extra, and only when it runs."""
