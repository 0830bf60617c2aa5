"""Mail that is fetched from mailboxes elsewhere, by IMAP4rev1 (RFC 3501)."""
