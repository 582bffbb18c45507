"""Logs in to a bank and writes down the balance: a job for cron, with nobody at the keyboard.

The username, the password and the address come from the vault; this file, the
crontab and the environment hold none of them.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from http.cookiejar import CookieJar

import strongroom


def fetch_balance() -> str:
    """Log in with the stored credential and return the balance."""
    with strongroom.open() as vault:
        bank = vault.get("bank/checking")

    session = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    form = {"username": bank.public("username"), "password": bank["password"].reveal()}
    session.open(bank.public("url") + "/login", urllib.parse.urlencode(form).encode(), timeout=20).close()
    with session.open(bank.public("url") + "/balance", timeout=20) as answer:
        return str(json.load(answer)["balance"])


def main() -> None:
    """Print one line for the log, or end with status 1 and the reason."""
    try:
        balance = fetch_balance()
    except urllib.error.HTTPError as refusal:
        refusal.close()
        sys.exit(f"report: the bank refused: {refusal.code} {refusal.reason}")
    except strongroom.StrongroomError as error:
        sys.exit("\n".join(f"report: {line}" for line in (str(error), *error.advice.splitlines())))
    print(f"{datetime.now():%Y-%m-%d %H:%M} balance {balance}")


if __name__ == "__main__":
    main()
