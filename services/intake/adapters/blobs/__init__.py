"""Bytes: raw mails and attachments, in a folder, in an object store, or in the database itself (ADR 0010)."""
