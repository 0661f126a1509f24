"""Who may see what: accounts, sessions, tokens, and the one place that decides."""
