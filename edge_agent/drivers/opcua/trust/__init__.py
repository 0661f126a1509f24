"""Who is believed: certificates of both sides, endpoints, users."""
