"""Which runs does a filter mean?  Text in, a tree that can be asked of any run out; pure."""
