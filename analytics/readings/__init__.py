"""What readings say: moments, signals that hold, counters; pure."""
