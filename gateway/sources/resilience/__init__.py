"""How a partner is spared, and how the others are spared its failures: small machines over a clock passed in. No I/O."""
