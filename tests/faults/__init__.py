"""Kill, break and cut at every storage call; nothing acknowledged may be lost, nothing half there."""
