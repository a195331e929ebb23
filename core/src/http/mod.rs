//! What polling needs of HTTP/1.1, sans-IO.
