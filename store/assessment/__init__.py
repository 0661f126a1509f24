"""The pilot programme as it is kept: records, steps, evidence, consents, releases and pulls."""
