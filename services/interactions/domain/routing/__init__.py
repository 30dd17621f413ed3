"""Who gets which conversation: a team has its agents and its queue, a customer says what is wanted."""
