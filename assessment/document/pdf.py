"""PDF of a document, by LibreOffice where it is on the machine."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from plant.errors import ConfigurationError, TransientError

_WITHIN_S: Final = 120


def pdf_of(docx: bytes) -> bytes:
    """Return a DOCX as PDF.

    Raises:
        ConfigurationError: There is no LibreOffice on this machine.
        TransientError: It did not convert the document.
    """
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        raise ConfigurationError("PDF cần LibreOffice (soffice) trên máy chủ; hãy tải bản DOCX.")
    with tempfile.TemporaryDirectory(prefix="nhipmay-pdf-") as folder:
        source = Path(folder) / "document.docx"
        source.write_bytes(docx)
        # A profile of its own: two conversions at once, or a desktop's LibreOffice, share none.
        command = [
            *(program, "--headless", f"-env:UserInstallation=file://{folder}/profile"),
            *("--convert-to", "pdf", "--outdir", folder, str(source)),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_WITHIN_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise TransientError(f"LibreOffice không chuyển được sang PDF: {exc}") from exc
        result = source.with_suffix(".pdf")
        if not result.is_file():
            said = done.stderr.decode("utf-8", "replace")[:300]
            raise TransientError(f"LibreOffice không chuyển được sang PDF: {said}")
        return result.read_bytes()
