"""MQTT: what existing devices publish, as JSON or plain text."""
