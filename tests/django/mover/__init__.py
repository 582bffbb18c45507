"""An app whose column is encrypted by a migration."""
