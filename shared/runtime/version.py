"""The version that this is."""

VERSION = "0.1.0"
"""That of pyproject.toml and of the chart. It stands here since the image holds Rapport's files, which are no
installed package that could be asked."""
