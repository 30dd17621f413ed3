"""What rules do beyond one message after one event: versions, dates, silence, steps, goals, variants."""
