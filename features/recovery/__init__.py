"""Getting back into an account by its e-mail address, and telling its owner of what was done."""
