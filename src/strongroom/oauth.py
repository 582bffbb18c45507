"""``strongroom.oauth``: grants of OAuth 2.0 that are kept in a vault, and short-lived access tokens from them."""

from strongroom.credentials.oauth import Answer, Connecting, Grant, OAuthCredential, OAuthProvider

__all__ = ["Answer", "Connecting", "Grant", "OAuthCredential", "OAuthProvider"]
