"""The service of anomalies: models of machines are learned, judge what comes, and tell people."""
