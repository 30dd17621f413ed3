"""Products that are bought together: counted product by product, and suggested to customers."""
