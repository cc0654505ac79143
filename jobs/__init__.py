"""What RQ runs. A job gets ids, loads what it needs and calls a package of `auditpanel`; it holds no rules of its own."""
