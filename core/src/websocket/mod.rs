//! The WebSocket client protocol (RFC 6455), sans-IO.
