"""What analytics reads and writes, and what people say of stops."""
