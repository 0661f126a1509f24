"""Detection of anomalies as it is kept: models, states, events, remarks, limits and messages."""
