"""Kestrel: a small photo service of somebody else's, which the site beside it fetches from."""
