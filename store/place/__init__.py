"""What a plant is: its description loaded, its stored calendars and policies."""
