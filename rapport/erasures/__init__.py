"""``rapport erasures``: by what erased ids are known, out of the databases and into them again."""
