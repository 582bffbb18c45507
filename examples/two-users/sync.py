"""What the worker does: it reads the credentials that users have left, and logs in with them."""

import strongroom


def log_in(site: str, username: str, password: strongroom.SecretStr | strongroom.SecretBytes) -> str:
    """Stands for the real thing."""
    return f"{site}: logged in as {username} with {len(password.reveal())} characters"


if __name__ == "__main__":
    with strongroom.open() as vault:
        for name in vault.list("sites/"):
            item = vault.get(f"sites/{name}")
            print(log_in(name, item.public("username"), item["password"]))
