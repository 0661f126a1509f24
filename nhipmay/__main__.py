"""`python -m nhipmay`: the same as the command `nhipmay`."""

from nhipmay.cli import main

main()
