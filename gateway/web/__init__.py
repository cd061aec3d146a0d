"""What a person opens in a browser: the GraphiQL page, built and served from here."""
