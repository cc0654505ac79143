"""The one tree of errors: each has a status and a stable key, and says what is wrong, where, and what would be right."""


class AuditpanelError(Exception):
    status = 500
    key = "internal_error"
    title = "Something went wrong here"

    def __init__(self, details: str) -> None:
        super().__init__(details)
        self.details = details


class InvalidInput(AuditpanelError):
    """Input that cannot be taken.

    `field` names the place (a form field, a query parameter, a path into a JSON body), where there is one.
    """

    status = 400
    key = "invalid_payload"
    title = "That could not be read"

    def __init__(self, details: str, *, field: str | None = None) -> None:
        super().__init__(f"{field}: {details}" if field else details)
        self.field = field
        self.reason = details


class Unauthorized(AuditpanelError):
    status = 401
    key = "unauthorized"
    title = "The caller is not known here"


class Forbidden(AuditpanelError):
    status = 403
    key = "forbidden"
    title = "Your role does not allow this"


class NotFound(AuditpanelError):
    status = 404
    key = "not_found"
    title = "Nothing here"


class Conflict(AuditpanelError):
    status = 409
    key = "conflict"
    title = "That is there already"


class TooLarge(AuditpanelError):
    status = 413
    key = "payload_too_large"
    title = "That is too large"


class TooManyRequests(AuditpanelError):
    status = 429
    key = "too_many_requests"
    title = "Too many tries"

    def __init__(self, details: str, *, retry_after_s: int) -> None:
        super().__init__(details)
        self.retry_after_s = retry_after_s


class Unavailable(AuditpanelError):
    status = 503
    key = "unavailable"
    title = "A part of the panel does not answer"
