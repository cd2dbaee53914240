"""What is true right now: code, packages, machine, inputs, outputs, params, metrics, seeds."""
