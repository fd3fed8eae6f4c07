"""Experiments: recipes, runs, reports."""
