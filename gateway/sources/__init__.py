"""How partners are asked: transport, credentials, pages, limits, cache and flights. Names no partner."""
