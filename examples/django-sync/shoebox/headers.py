"""Headers of every response: what a page of this site may load, and who may keep it."""

from django.conf import settings

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    # No script at all: the site works without one.
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-read=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class HeadersMiddleware:
    """Sets them, and keeps pages out of caches: a log-out leaves nothing behind that the back button shows."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        """One request."""
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        is_static = request.path.startswith(settings.STATIC_URL)
        response.headers.setdefault("Cache-Control", "public, max-age=600" if is_static else "no-store")
        return response
