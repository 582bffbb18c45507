"""Tests of what is handed over to a worker."""
