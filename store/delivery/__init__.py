"""What the ingest writes and reads: measurements, ledgers, rejections, tags."""
