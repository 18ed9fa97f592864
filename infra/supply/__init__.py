"""What comes from elsewhere: container images, packages and what is known against them."""
