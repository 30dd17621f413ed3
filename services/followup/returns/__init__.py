"""Mail that comes back: where it is taken in, and how its message is found."""
