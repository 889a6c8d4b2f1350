"""Data files of other formats, to Ion and back."""
