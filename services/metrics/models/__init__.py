"""What the metrics API answers, a module a subject."""
