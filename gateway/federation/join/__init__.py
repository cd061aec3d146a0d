"""Records of one person joined (`join_records`), merged into nouns (`merge`), conflicts settled by one table (`precedence`)."""
