"""The programs that tests talk with."""
