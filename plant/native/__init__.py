"""The native protocol's messages, and the values of a device without an agent."""
