"""How does a recorded environment become a real one again?  Interpreters, installers, proofs, and files for other tools."""
