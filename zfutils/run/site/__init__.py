"""The book as a static site: pages made from the executed chapters of a profile, built by Sphinx without a network."""
