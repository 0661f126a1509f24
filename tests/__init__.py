"""The tests; a package so that `tests.services` is ours wherever it is imported."""
