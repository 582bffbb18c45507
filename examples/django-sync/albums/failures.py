"""What a page says when the worker's vault is out of reach, which is nobody's mistake who looks at the page."""

import logging

from django.shortcuts import render

from strongroom import StrongroomError, Tampered

log = logging.getLogger("albums")


class FailureMiddleware:
    """Answers 503; the transaction of the view has been taken back by then, so nothing is half done."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """One request."""
        return self.get_response(request)

    def process_exception(self, request, exception):
        """Only what may be gone in a while; what was tampered with is a failure like others, and is looked into."""
        if not isinstance(exception, StrongroomError) or isinstance(exception, Tampered):
            return None
        log.error("%s %s: %s: %s", request.method, request.path, type(exception).__name__, exception)
        return render(request, "503.html", status=503)
