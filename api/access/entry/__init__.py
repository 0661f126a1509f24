"""Ways in beside a password: as a visitor of a demo, as a tablet, by another's word."""
