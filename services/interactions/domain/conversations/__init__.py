"""What belongs to one conversation, whatever the channel, and how it stands."""
