"""Records of one person joined (`link`), then merged into nouns (`merge`), conflicts settled by one table (`precedence`)."""
