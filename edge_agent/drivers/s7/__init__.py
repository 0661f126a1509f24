"""Siemens S7: grouped reads of data blocks, merkers, inputs and outputs."""
