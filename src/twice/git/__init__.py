"""How do bytes get into and out of git?  The door for the git executable and for dulwich."""
