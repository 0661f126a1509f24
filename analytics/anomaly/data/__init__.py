"""The rows of a machine as a detector needs them: on a grid, cut into cycles, with their faults."""
