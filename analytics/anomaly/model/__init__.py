"""What a detector has learned of a machine, and how it goes on learning."""
