"""Write the committed dashboard files again: `python -m dashboards`."""

from dashboards.publication import FOLDER, write

write(FOLDER)
