"""What a WSGI server runs: ``gunicorn shoebox.wsgi``."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shoebox.settings")
application = get_wsgi_application()
