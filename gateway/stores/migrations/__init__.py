"""The histories of the stores' schemas, one folder a store, which `gateway.stores.schema_versions` applies."""
