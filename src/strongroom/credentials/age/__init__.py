"""The age format (age-encryption.org/v1): its text here, what it does with keys in `crypto.age`.

No plug-in is ever run: a recipient or identity that names one would choose a program (CVE-2024-56327).
Source: C2SP age.md; the vectors of C2SP/CCTV in tests/vectors.
"""
