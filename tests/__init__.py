"""The tests; a package so that `tests.peers.services` is ours wherever it is imported."""
