"""Public test suites for what others write: a store that passes `stores.StoreConformance` fits the vault."""
