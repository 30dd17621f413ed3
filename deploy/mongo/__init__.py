"""Users of the store, each with the rights that it needs and no other."""
