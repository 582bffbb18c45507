"""The door's commands."""
