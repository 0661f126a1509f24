"""The shared vocabulary: ISA-95 places, ISO 22400 times and ratios, measurements, errors.

Pure: it imports nothing else of ours, opens no socket, reads no clock of its own accord.
"""
