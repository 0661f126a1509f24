"""The JSON about master data: what became of documents, and who changed what."""

from typing import Any, Literal

from pydantic import Field

from api.http.wire import Time, Wire


class MasterDataEventOut(Wire):
    """One change of master data."""

    event_id: int
    recorded_at: Time
    who: str
    source: str = Field(description="The way in: file, topic, address or poll.")
    reason: str
    kind: str
    scope: str = Field(description="Path of the enterprise or site.")
    key: dict[str, Any]
    action: Literal["created", "changed", "withdrawn"]
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class ReportOut(Wire):
    """What became of documents that were sent together."""

    documents: int
    created: int
    changed: int
    unchanged: int
    withdrawn: int
    hours_to_compute: int = Field(
        description="Hours of machines whose figures will be computed again."
    )
    committed: bool = Field(description="False for a preview.")


class FileReportOut(ReportOut):
    """What became, or would become, of a file."""

    remarks: list[str] = Field(
        description="What was passed over: columns, totals, elements that are not understood."
    )
    sha256: str = Field(description="Digest of the file; sent again, it must be this file.")
