#!/usr/bin/env python
"""Django's commands for Shoebox; the environment says where its state is, as start.py sets it."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shoebox.settings")
    execute_from_command_line(sys.argv)
