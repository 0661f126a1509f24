"""Plants and what they said, for tests to ask about."""
