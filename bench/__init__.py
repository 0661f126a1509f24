"""What the platform achieves, measured against real servers; never asserted as a timed test."""
