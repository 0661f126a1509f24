"""Modbus TCP: grouped reads at a steady pace."""
