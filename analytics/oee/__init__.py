"""From readings to time elements and sums of one work unit; pure."""
