"""Files of documents: tables (CSV, XLSX), B2MML-shaped XML, JSON; read from a stream, row by row.

Apart from the documents themselves, because an edge has no use for the libraries that this takes.
"""

from plant.mes.file.document_file import DocumentFile, template
from plant.mes.file.limits import FileLimits
from plant.mes.file.table import TableOptions

__all__ = ["DocumentFile", "FileLimits", "TableOptions", "template"]
