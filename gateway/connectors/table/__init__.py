"""A dialect as a table: what a partner of one request says where, without a line of Python (docs/partenaires-table.md)."""
