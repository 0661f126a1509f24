"""The one file that installs an edge without a network."""
