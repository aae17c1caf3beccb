"""The one way in which rule files are written: order of keys, blanks, quotes, indentation."""
