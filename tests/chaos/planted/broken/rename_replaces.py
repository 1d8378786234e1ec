"""A file gets its name by a rename that replaces what has the name already."""

import os


def rename_no_replace(source_fd: int, source: str, target_fd: int, target: str) -> None:
    """Rename, whatever is there."""
    os.rename(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd)


def link_no_replace(source_fd: int, source: str, target_fd: int, target: str) -> None:
    """Rename, whatever is there."""
    os.rename(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd)
