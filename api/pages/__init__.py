"""What people see: pages, boards, charts."""
