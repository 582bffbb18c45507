"""An app whose values lie under their owners' keys."""
