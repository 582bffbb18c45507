"""Stored passwords as strings: which scheme made one, within which bounds, and whether a password fits.

Pure: nothing here waits, stores or knows a user. Every number is compared with a ceiling
before a function runs, as whoever can write to the table of users chooses them; there are
no floors, so that the weakest old string can still be replaced at its user's next login.
"""
