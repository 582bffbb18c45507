"""What the worker does at the photo service, with a credential that the website cannot read.

Runs in `manage.py sync_external`. What it raises says what the user shall do; what it returns is shown to the user.
"""

import http.client
import json
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db import transaction

from albums.models import Photo
from strongroom import CredentialRefused, ServiceUnavailable

ANSWER_BYTES_MAX = 1 << 20
PATIENCE_SECONDS = 10
PHOTOS_MAX = 200
SCENES = ("sea", "hills", "night", "snow", "dunes", "forest")


def fetch(credential, handed) -> str:
    """Log in with username and password, and look."""
    typed = {"username": credential.public("username"), "password": credential["password"].reveal()}
    answer = ask("POST", "/api/log-in", {**typed, "program": "Shoebox"})
    return store(handed, ask("GET", "/api/photos", token=str(answer["token"])))


def fetch_with_token(credential, handed) -> str:
    """Look with an access token, which lives for minutes and may do nothing else."""
    answer = credential.get(f"{settings.PHOTOS}/api/photos", "photos.read", seconds=PATIENCE_SECONDS)
    if answer.status_code != 200:
        raise ServiceUnavailable(f"Kestrel answered with {answer.status_code}")
    return store(handed, answer.json())


def ask(method: str, path: str, form: dict[str, str] | None = None, *, token: str = "") -> dict[str, object]:
    """One request to the service; redirects are not followed, and an answer has an end.

    Raises: CredentialRefused: it takes the credential no more; ServiceUnavailable: it does not answer as it should.
    """
    headers = {"Accept": "application/json"}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    place = urlsplit(settings.PHOTOS)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, urlencode(form) if form is not None else None, headers)
        response = connection.getresponse()
        body = response.read(ANSWER_BYTES_MAX + 1)
    except (OSError, http.client.HTTPException):
        raise ServiceUnavailable("Kestrel does not answer") from None
    finally:
        connection.close()
    if response.status == 401:
        raise CredentialRefused("Kestrel does not accept this username and password any more")
    if response.status != 200 or len(body) > ANSWER_BYTES_MAX:
        raise ServiceUnavailable(f"Kestrel answered with {response.status}")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ServiceUnavailable("Kestrel answered with something else than JSON")
    return answer


def store(handed, answer: dict[str, object]) -> str:
    """Keep the list of photos for the page, and say in a line what there is. The service is not believed blindly."""
    found = answer.get("photos")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ServiceUnavailable("Kestrel answered without a list of photos")
    account = handed.account
    photos = [
        Photo(account=account, title=str(one.get("title", ""))[:120], scene=one["scene"])
        for one in found[:PHOTOS_MAX]
        if one.get("scene") in SCENES
    ]
    with transaction.atomic():
        account.photos.all().delete()
        Photo.objects.bulk_create(photos)
    if not photos:
        return "no photos yet"
    return f"{len(photos)} photo{'' if len(photos) == 1 else 's'}, the newest is “{photos[-1].title}”"
