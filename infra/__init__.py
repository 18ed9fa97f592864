"""What runs the application: local servers and commands, image, compose files, NGINX."""
