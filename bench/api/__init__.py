"""What `bench api` is made of: a year that is stored, a service that is asked, and who asks."""
