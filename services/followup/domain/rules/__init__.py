"""The outreach rules: what the YAML file may say, and times of day."""
