"""Programs that run in the stacks of `setup/foreign`, and how tests start them."""
