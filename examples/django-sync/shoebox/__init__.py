"""The project: settings, addresses and response headers; the site itself is the app `albums`."""
