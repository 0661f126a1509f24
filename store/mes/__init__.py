"""Master data and MES facts, and how they are written."""
