"""What a second attack found, and its variants: one module a finding."""
