"""The commands of user vaults."""
