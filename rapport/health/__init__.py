"""``rapport health``: how well customers' scores tell who falls silent."""
