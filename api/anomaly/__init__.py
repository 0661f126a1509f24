"""Anomalies as people meet them: which signals to watch, what is said of an event."""
