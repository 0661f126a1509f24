"""OPC UA: subscriptions, and history for what was missed."""
