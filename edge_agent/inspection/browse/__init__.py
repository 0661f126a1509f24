"""What a source has, as tags to choose from: the tree of a server, a probe, births, topics."""
