"""What other programs' fields and formats withstand, beside ours: tables in docs/ are made here."""
