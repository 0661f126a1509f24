"""What an edge's sources do to it at random, and whether it still says what was there."""
