"""Who may be one person twice: found as events come, suggested to people, who decide for good."""
