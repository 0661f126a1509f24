"""Words in the languages of the pages, and numbers and times in their forms."""
