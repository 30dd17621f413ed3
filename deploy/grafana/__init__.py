"""The dashboards as code: what they show is made of what the services declare of their metrics."""
