"""The recipes: record a run, seal it, reproduce it, bring its code back."""
