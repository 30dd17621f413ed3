"""Templates in many languages: sandboxed and metered, with catalogues; values as each language has them."""
