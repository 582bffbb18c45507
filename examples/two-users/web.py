"""What the web application does with a password that a user has typed: it leaves it, and cannot read it again.

    web.py SITE USERNAME      the password is one line of standard input

With an agent the vault has it at once. Without one it lies sealed in the inbox until the agent runs again.
"""

import os
import sys

import strongroom


def leave(site: str, username: str, password: strongroom.SecretStr) -> str:
    """Store the credential; say which way it went."""
    fields = {"username": username, "password": password}
    try:
        with strongroom.open() as vault:
            return f"version {vault.set(f'sites/{site}', fields).number}"
    except (strongroom.VaultLocked, strongroom.UnsafePermissions):
        # The agent is locked, or there is none and the vault's file is not for this user.
        if "STRONGROOM_DEPOSIT_KEY" not in os.environ:
            raise
    with strongroom.Depositor() as depositor:
        return f"deposit {depositor.deposit(f'sites/{site}', fields)}"


if __name__ == "__main__":
    site, username = sys.argv[1:3]
    with strongroom.SecretStr(sys.stdin.readline().rstrip("\n")) as password:
        print(leave(site, username, password))
