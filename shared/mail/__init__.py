"""Mail that comes in, as far as several services read it: what it says that came back, and by what name."""
