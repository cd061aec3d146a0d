"""The history of the store of receptions."""
