"""Durable writes: `whole` and `write_text` for whole files, `append_only` for logs."""

from curation.files.whole_files import whole, write_text

__all__ = ["whole", "write_text"]
