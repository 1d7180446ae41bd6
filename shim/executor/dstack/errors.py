"""What can go wrong between the shim and a dstack server, as types."""


class DstackError(Exception):
    """Anything dstack refuses or fails to do; the text is one line for a user."""


class Unreachable(DstackError):
    """No answer, or the answer of a proxy or of a failing server: the same request may succeed later."""


class UnsupportedServer(DstackError):
    """The server is older than the oldest one the shim can work with."""


class TokenRefused(DstackError):
    """The token is unknown to the server, or not a member of the project."""


class ProjectGone(DstackError):
    """The server has no such project."""


class BadRequest(DstackError):
    """The server refuses the request itself; ``code`` is dstack's name for the reason, where it gives one."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class NotFound(BadRequest):
    """There is no such run, fleet or archive."""


class NotExpressible(DstackError):
    """dstack has no word for what a job asks for."""
