"""How are charts drawn as images?  `twice[plot]`: the door to matplotlib, imported when an image is asked for."""
