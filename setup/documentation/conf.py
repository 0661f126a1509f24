"""How `make docs` builds docs/ into pages: searchable, opened from a file, in both languages."""

from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parents[2] / "docs"
FOLDERS = (
    ("Hướng dẫn (tiếng Việt)", "vi"),
    ("Guides", "guides"),
    ("Learn", "tutorial"),
    ("How to", "how-to"),
    ("Reference", "reference"),
    ("Explanations", "explanations"),
    ("Decisions", "decisions"),
)

project = "Nhịp Máy"
language = "vi"
extensions = ["myst_parser"]
root_doc = "README"
source_suffix = {".md": "markdown"}
exclude_patterns = ["pictures/**"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "Nhịp Máy"
html_copy_source = False
html_show_sphinx = False
# Programs' code beside the documents is linked for readers of the repository; colours of
# languages that no lexer knows are no fault of a document.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure", "myst.header"]


def _add_contents(_: Sphinx, docname: str, source: list[str]) -> None:
    """Give the first page the lists of all others, which a reader of the repository has beside."""
    if docname != root_doc:
        return
    for caption, folder in FOLDERS:
        pages = sorted(path.stem for path in (DOCS / folder).glob("*.md"))
        entries = "\n".join(f"{folder}/{page}" for page in pages)
        source[0] += (
            f"\n\n```{{toctree}}\n:hidden:\n:maxdepth: 1\n:caption: {caption}\n\n{entries}\n```\n"
        )
    source[0] += "\n```{toctree}\n:hidden:\n\nglossary\n```\n"


def setup(app: Sphinx) -> None:
    """Take part in the build."""
    app.connect("source-read", _add_contents)
