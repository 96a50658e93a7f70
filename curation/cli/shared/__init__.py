"""What several commands share: the Typer app, output, options."""
