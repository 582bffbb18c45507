"""What is made with keys: tokens, passwords, named keys, signatures, encrypted streams."""
