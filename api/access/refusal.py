"""Why somebody is not let through; `api.http.error_answer` has the words.

RefusalError
├── UnknownError     who asks shows nothing, or nothing that is good
├── TryLaterError    was wrong too often
├── RightError       is known, and lacks a right
├── ForeignError     asks for a place that is not theirs to see
├── UndeclaredError  the route says nothing of who may call it
└── OtherSiteError   another web site asks in their name
"""


class RefusalError(Exception):
    """A request is not let through."""


class UnknownError(RefusalError):
    """Who asks shows nothing, or nothing that is good."""


class TryLaterError(RefusalError):
    """Who asks was wrong too often."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(wait_s)


class RightError(RefusalError):
    """Who asks is known, and lacks a right."""

    def __init__(self, right: str) -> None:
        self.right = right
        super().__init__(right)


class ForeignError(RefusalError):
    """Who asks wants a place that is not theirs to see: for them it is not there."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(path)


class UndeclaredError(RefusalError):
    """The route says nothing of who may call it: nobody."""


class OtherSiteError(RefusalError):
    """Another web site asks in somebody's name."""
