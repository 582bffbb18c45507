"""Fifteen leaks of ten secrets in twelve files, as they happen: what a scan has to find.

The secrets are fixed texts of the kinds that people have, so that a pattern which finds one today
finds it tomorrow. None of them opens anything.
"""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

SECRETS = {
    "django/site": "django-insecure-k7w#v2m@q9x!z5r$8t&n4p*6s(1d)f3g_h0j-l+y=u",
    "db/prod": "Tq9/vX#2mR@7pL!w",
    "mail/smtp": "sunny-otter-climbs-mountain",
    "test/user": "Summer2024!berlin",
    "aws/deploy": "wJq7Vx2mNf8KpR4tYbZ0cLhGdS6uAeT1oI3iPnMk",
    "github/bot": "ghp_Qk3v9ZyT7bNc2RfWm8XsLp4HdJa6Ue1oGi5V",
    "wifi/office": "correct horse battery staple",
    "queue/prod": "b7e2f9c41d8a6053",
    "api/partner": 'p"a\\r/t+ner<k>ey&42',
    "ssh/backup": "nightly;backup~pass|word",
}
"""Item -> the value of its field ``password``."""

# (file, line, item): where each leak begins.
PLACES: tuple[tuple[str, int, str], ...] = (
    ("settings.py", 2, "django/site"),
    ("settings.py", 5, "db/prod"),
    ("settings.py", 9, "db/prod"),
    ("deploy/secret.yaml", 7, "db/prod"),
    ("deploy/probe.sh", 3, "mail/smtp"),
    ("mail.ini", 4, "mail/smtp"),
    ("tests/test_login.py", 3, "test/user"),
    ("docs/notes.md", 5, "wifi/office"),
    ("dump.sql", 3, "queue/prod"),
    ("app.log", 2, "queue/prod"),
    ("fixtures.json", 4, "api/partner"),
    (".env", 2, "aws/deploy"),
    (".env", 3, "github/bot"),
    ("client.py", 4, "ssh/backup"),
    ("bin/restore.hex", 2, "ssh/backup"),
)


def plant(directory: Path) -> None:
    """Write the twelve files."""
    for name, text in _files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _files() -> dict[str, str]:
    value = SECRETS
    encoded = base64.b64encode(value["db/prod"].encode()).decode()
    header = base64.b64encode(f"mailer:{value['mail/smtp']}".encode()).decode()
    partner = value["api/partner"].replace("\\", "\\\\").replace('"', '\\"')
    backup = value["ssh/backup"]
    return {
        "settings.py": (
            "DEBUG = False\n"
            f'SECRET_KEY = "{value["django/site"]}"\n'
            "DATABASES = {\n"
            '    "default": {"USER": "site",\n'
            f'                "PASSWORD": "{value["db/prod"]}"}},\n'
            "}\n"
            "\n"
            "# The report job wants a URL.\n"
            f'REPORTS = "postgres://site:{quote(value["db/prod"], safe="")}@db.example.org/site"\n'
        ),
        "deploy/secret.yaml": (
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n"
            f"  password: {encoded}\n"
        ),
        "deploy/probe.sh": f'#!/bin/sh\n# is the mail up?\ncurl -H "Authorization: Basic {header}" https://mail.example.org\n',
        "mail.ini": f"[smtp]\nhost = mail.example.org\nuser = mailer\npass = {value['mail/smtp']}\n",
        "tests/test_login.py": (
            "def test_login(client):\n    client.get('/login')\n"
            f"    client.post('/login', {{'user': 'anna', 'password': '{value['test/user']}'}})\n"
        ),
        "docs/notes.md": (
            "# Notes\n\nThe new office is on the third floor.\n\n"
            f"The guests' network is called Attic, and the password is {value['wifi/office']}, all small.\n"
        ),
        "dump.sql": (
            "CREATE TABLE queue (id int, secret text);\nBEGIN;\n"
            f"INSERT INTO queue VALUES (1, '{value['queue/prod']}');\nCOMMIT;\n"
        ),
        "app.log": (
            "2026-03-01T06:00:00 INFO start\n"
            f"2026-03-01T06:00:01 DEBUG connect amqp://app:{value['queue/prod']}@queue:5672 ok\n"
        ),
        "fixtures.json": f'[\n  {{\n    "partner": "north",\n    "credential": "{partner}"\n  }}\n]\n',
        ".env": (
            "REGION=eu-central-1\n"
            f"AWS_SECRET_ACCESS_KEY={value['aws/deploy']}\n"
            f"GITHUB_TOKEN={value['github/bot']}\n"
        ),
        "client.py": (
            'import ftplib\n\nHOST = "backup.example.org"\n'
            f'PASSWORD = ("{backup[:11]}"\n            "{backup[11:]}")\n'
        ),
        "bin/restore.hex": f"# restore, key as hex\n{backup.encode().hex()}\n",
    }
