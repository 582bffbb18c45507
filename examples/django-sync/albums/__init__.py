"""The site: people, their accounts elsewhere, and the photos that the worker has found there."""
