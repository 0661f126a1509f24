"""Detection of anomalies: rows of a machine to scores, events and their causes."""
