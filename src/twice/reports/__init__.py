"""How is a comparison told to reviewers?  Facts in, text out, for a pull request, a browser, a CI system; nothing is sent."""
