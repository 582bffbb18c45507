"""Django's own test suites with our fields in the place of its own; `tests/django/test_suites.py` runs them."""
