"""Speed and size of strongroom beside its peers: `make bench`, or `python -m bench --help`."""
