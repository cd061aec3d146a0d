"""The history of the store of writes."""
