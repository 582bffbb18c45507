"""Migrations of credentials handed over."""
