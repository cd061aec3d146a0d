"""The history of the tables of this store."""
