"""Recipes: the schema, the files that come with the project, what is wrong with one."""
