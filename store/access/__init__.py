"""Accounts, sessions, tokens, the audit, and the logins by which an enterprise's rows are read."""
