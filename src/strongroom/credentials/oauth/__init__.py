"""OAuth 2.0: grants that users give to a program, kept in a vault; what leaves it are short-lived access tokens.

    transport     one HTTP request, bounded in time and size, that follows nobody elsewhere
    provider      who gives the grants: `OAuthProvider`
    exchange      what is said to a token endpoint, in Authlib's words, and what its answers mean
    connecting    how a user gives a grant: `OAuthProvider.connect`
    records       what lies in the item
    credential    `OAuthCredential`: access tokens from a stored grant
"""

from strongroom.credentials.oauth.connecting import Connecting, Grant
from strongroom.credentials.oauth.credential import OAuthCredential
from strongroom.credentials.oauth.provider import OAuthProvider
from strongroom.credentials.oauth.transport import Answer

__all__ = ["Answer", "Connecting", "Grant", "OAuthCredential", "OAuthProvider"]
