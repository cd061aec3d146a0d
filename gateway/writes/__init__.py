"""What is written through the gateway: asked, checked, kept, laid over what partners say, delivered to them."""
