"""What a plant is: its description loaded."""
