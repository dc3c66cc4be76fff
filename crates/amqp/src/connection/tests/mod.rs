//! Tests of a connection: bytes in, bytes out.
