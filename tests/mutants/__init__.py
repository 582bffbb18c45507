"""Mutation testing: each place of the rooms that keep secrets is changed, and some test must fail.

    python -m tests.mutants [--whole] [--texts] [MODULE...]

`making` writes the mutants, `session` tries them, `examined.toml` says why each that survives may live, `page` writes
the table of docs/testing.md.
"""
