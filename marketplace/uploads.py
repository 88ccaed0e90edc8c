"""Files that come with forms: in memory, and only small ones."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import MemoryFileUploadHandler

MOST = 3 * 1024 * 1024  # bytes of a request with files


class FilesTooLargeError(RequestDataTooBig):
    """The request is longer than `limit` bytes."""

    limit = MOST


class SmallFiles(MemoryFileUploadHandler):
    """Refuses a request that is too long before anything of it is read; Django itself counts only what is no file."""

    def handle_raw_input(
        self, input_data: Any, meta: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        """Raises FilesTooLargeError, which is answered 413."""
        if content_length > MOST:
            raise FilesTooLargeError
        self.activated = True
