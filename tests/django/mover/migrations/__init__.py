"""Before, and after."""
