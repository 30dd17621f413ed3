"""All events: one module per topic. ``topics`` lists them, ``codec`` reads and writes them."""
