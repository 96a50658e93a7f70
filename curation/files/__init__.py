"""Durable writes: `whole` and `write_text` for whole files, `append_only` for logs; `fitting` names."""

from curation.files.whole_files import fitting, whole, write_text

__all__ = ["fitting", "whole", "write_text"]
