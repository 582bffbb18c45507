"""A shop, as a project has one."""
