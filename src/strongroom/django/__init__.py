"""The Django door: what a project names in its settings. Nothing here is imported by another room."""
