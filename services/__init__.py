"""The four services; they meet in topics alone."""
