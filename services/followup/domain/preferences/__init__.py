"""What customers wish of messages, beside consents: how often, a pause; and where they say it."""
