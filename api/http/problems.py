"""The errors that the API answers with, each with what to do about it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil


class ProblemError(Exception):
    """An answer that is an error: which kind, and what to do about it."""

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        title: str,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        *,
        retry_after_s: int = 5,
    ) -> None:
        self.status = status
        self.retry_after_s = retry_after_s
        """After how many seconds to ask again, where that may help."""
        self.errors = errors
        """What is wrong one by one: `name`, `message`, and of documents `field` and `reason`."""
        self.kind = kind
        self.title = title
        self.detail = detail
        super().__init__(detail)


def unknown_place(path: str) -> ProblemError:
    """Return the error for a path that names no place."""
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "unknown-place",
        "Unknown place",
        f"There is no place {path!r}; GET /api/v1/places lists them.",
    )


def unknown_tag(tag: str) -> ProblemError:
    """Return the error for a name that is no tag's."""
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "unknown-tag",
        "Unknown tag",
        f"There is no tag {tag!r}; write enterprise/site/name as GET /api/v1/tags lists it.",
    )


def wrong_level(path: str, level: str, wanted: str) -> ProblemError:
    """Return the error for a place of a level that the question does not fit."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "wrong-level",
        "Wrong level of place",
        f"{path!r} is a place of level {level}; this needs {wanted}.",
    )


def bad_window(detail: str) -> ProblemError:
    """Return the error for a window that cannot be served."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad-window", "Bad time window", detail)


def bad_option(name: str, wanted: str) -> ProblemError:
    """Return the error for a choice that a board does not offer."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "bad-option", "Bad option", f"`{name}` must be {wanted}."
    )


def too_few_machines(path: str) -> ProblemError:
    """Return the error for figures of a site that would be those of a machine."""
    return ProblemError(
        HTTPStatus.FORBIDDEN,
        "too-few-machines",
        "Too few machines",
        f"{path} has fewer than three machines: its figures stay within its enterprise.",
    )


def no_number(tag: str) -> ProblemError:
    """Return the error for a tag whose values cannot be summed up."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "no-number",
        "Not a number",
        f"{tag!r} is a text tag; GET /api/v1/measurements lists its values.",
    )


def bad_cursor() -> ProblemError:
    """Return the error for a page cursor that we did not make."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "bad-cursor",
        "Bad page cursor",
        "`after` must be the `next` of an answer to the same question.",
    )


def too_many_exports() -> ProblemError:
    """Return the error for more exports at a time than the service carries."""
    return ProblemError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-exports",
        "Too many exports at once",
        "Other exports are running; ask again when one of them has ended.",
    )


def too_many_rows(most: int) -> ProblemError:
    """Return the error for more rows than the asked form of a file holds."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "too-many-rows",
        "Too many rows for this form",
        f"A sheet holds {most:,} rows and there are more; ask for less time, or as CSV or Parquet.",
    )


def too_many_tags(most: int) -> ProblemError:
    """Return the error for more tags than one stream tells of."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "too-many-tags",
        "Too many tags for one stream",
        f"A stream tells of {most:,} tags and there are more: listen to places below.",
    )


def client_id_reused() -> ProblemError:
    """Return the error for an id that a client gave to two things."""
    return ProblemError(
        HTTPStatus.CONFLICT,
        "client-id-reused",
        "Id used before",
        "The same client_id came before with something else; use a new one.",
    )


def unauthorized() -> ProblemError:
    """Return the error for a request without the right token."""
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        "unauthorized",
        "Token needed",
        "Send the header `Authorization: Bearer <token>` with this installation's token.",
    )


def forbidden(right: str) -> ProblemError:
    """Return the error for somebody who is known and may not do this."""
    return ProblemError(
        HTTPStatus.FORBIDDEN,
        "forbidden",
        "Not allowed",
        f"Your account or token lacks the right {right!r}.",
    )


def unknown_kind(kind: str, known: Sequence[str]) -> ProblemError:
    """Return the error for a kind of documents that there is not."""
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "unknown-kind",
        "Unknown kind of documents",
        f"There is no kind {kind!r}; known: {', '.join(known)}.",
    )


def writing_disabled() -> ProblemError:
    """Return the error for writing where nobody can prove who they are."""
    return ProblemError(
        HTTPStatus.FORBIDDEN,
        "writing-disabled",
        "Writing is not enabled",
        "This installation has no token, so anybody could write: set `token` or `token_file`.",
    )


def too_many_imports() -> ProblemError:
    """Return the error for more imports at a time than the service carries."""
    return ProblemError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-imports",
        "Another import is running",
        "One file is read at a time; send this one again when the other has ended.",
    )


def file_changed() -> ProblemError:
    """Return the error for a file that is not the one that was looked at."""
    return ProblemError(
        HTTPStatus.CONFLICT,
        "file-changed",
        "Another file",
        "The file is not the one of the preview that `sha256` stands for; look at it again.",
    )


def too_large(limit: int) -> ProblemError:
    """Return the error for a body that is longer than any list of documents."""
    return ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        "Request too large",
        f"A body may have {limit} bytes; send several, or use `nhipmay import`.",
    )


def too_slow() -> ProblemError:
    """Return the error for a body that does not come."""
    return ProblemError(
        HTTPStatus.REQUEST_TIMEOUT,
        "too-slow",
        "Request too slow",
        "The body stopped coming, or came too slowly; send the request again.",
    )


def too_busy() -> ProblemError:
    """Return the error for more bodies at a time than the service has room for."""
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "too-busy",
        "Too much at once",
        "Others are sending much at the moment; send this request again in a few seconds.",
    )


def unknown_host(host: str) -> ProblemError:
    """Return the error for a request to a name that is not this service's."""
    return ProblemError(
        HTTPStatus.MISDIRECTED_REQUEST,
        "unknown-host",
        "Unknown host",
        f"This service is not called {host!r}: use a name that its setting `hosts` lists.",
    )


def unreadable_address() -> ProblemError:
    """Return the error for an address with a character that no name has."""
    return ProblemError(
        HTTPStatus.BAD_REQUEST,
        "unreadable-address",
        "Address not understood",
        "The address holds the character %00, which no name and no text has.",
    )


def too_many_tries(wait_s: float) -> ProblemError:
    """Return the error for somebody who was wrong too often."""
    return ProblemError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-tries",
        "Too many wrong tries",
        f"Wait {ceil(wait_s)} seconds, then try again.",
        retry_after_s=ceil(wait_s),
    )


def malformed(detail: str) -> ProblemError:
    """Return the error for a body that is no list of documents."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", "Body not understood", detail)


def documents_refused(detail: str, errors: Sequence[Mapping[str, str]]) -> ProblemError:
    """Return the error for documents with problems; none of them was written."""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "documents-refused",
        "Documents refused",
        detail,
        errors,
    )


def value_refused(detail: str) -> ProblemError:
    """Return the error for a value that the database refuses."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "value-refused", "Value refused", detail)
