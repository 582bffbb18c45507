"""Fuzzers of everything that reads bytes which somebody else may have written.

    python -m fuzz                    all parsers by turns, 20 seconds
    python -m fuzz --seconds 600 header sops-yaml
    python -m fuzz --list

Needs atheris (a libFuzzer for Python). A parser may refuse what it is given with the errors that it documents, and
nothing else: any other exception, a hang of ten seconds or a gigabyte of memory is a finding, and its input is kept in
``build/fuzz``. What was found is a test afterwards.
"""
