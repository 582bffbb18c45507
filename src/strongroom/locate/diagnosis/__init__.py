"""What may be wrong around a vault: its files, this machine, the vault itself. `doctor` shows it.

Each part yields findings and mends nothing. What reads /proc and what judges it are kept
apart, so that the judgement can be tested. Nothing is imported here.
"""
