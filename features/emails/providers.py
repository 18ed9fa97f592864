"""What emails offer: what each mail looks like, for those who write them."""

providers = {"mail_previews": "features.emails.previews:previews"}
