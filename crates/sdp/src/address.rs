//! Where media may be sent: connection data (RFC 8866 section 5.7) read into an address that can be used.
