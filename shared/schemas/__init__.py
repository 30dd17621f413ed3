"""Every event of the platform: one module a topic, ``topics`` lists them, ``codec`` reads and writes them."""
