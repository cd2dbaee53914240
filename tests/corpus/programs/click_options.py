"""Options by click; with defaults."""

import random

import click


@click.command()
@click.option("--lr", default=0.1, type=float)
@click.option("--epochs", default=3)
@click.option("--name", default="base")
def main(lr, epochs, name):
    """Train."""
    value = 1.0
    for epoch in range(epochs):
        value -= lr * random.random()
        click.echo(f"loss: {value!r} (step {epoch})")


if __name__ == "__main__":
    main()
