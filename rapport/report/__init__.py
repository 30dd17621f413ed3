"""The report of a week or a month: fetched from metrics as one file, and mailed (ADR 53)."""
