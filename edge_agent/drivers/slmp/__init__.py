"""Mitsubishi MELSEC by SLMP (MC protocol, 3E frames in binary): grouped reads of devices."""
