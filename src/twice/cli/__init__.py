"""What did the user type?  One short file a command; what it does is in the library."""
