"""The Sparkplug B 3.0 edge node: the outbox sent to a Sparkplug host instead of our platform."""
