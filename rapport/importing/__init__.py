"""``rapport import``: files of other systems in, by a mapping."""
