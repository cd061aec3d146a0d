"""Builds the site of documentation: gathers its pages, writes the reference from the product, has Sphinx render them and makes
them ready to be served. Nothing of it is in the product."""
