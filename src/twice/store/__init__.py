"""Which runs exist, and which does a selector mean?  The runs in git, their index, the runs that go on."""
