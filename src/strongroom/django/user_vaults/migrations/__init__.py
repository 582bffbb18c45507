"""The migrations of user vaults."""
