"""Write the committed dashboard files again: `python -m dashboards`."""

from dashboards.publication import ALERTING, FOLDER, write, write_rules

write(FOLDER)
write_rules(ALERTING)
