"""Finding a vault and opening it: addresses, unlock order, key files, the terminal.

The only room below the doors that looks at the environment, the password database
and the terminal. `opening` is the way in; nothing is imported here.
"""
