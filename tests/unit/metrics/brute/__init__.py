"""Every KPI once more, counted by DuckDB from the events alone: nothing here is the code that it checks."""
