"""Surveys: the answers that their pages take."""
