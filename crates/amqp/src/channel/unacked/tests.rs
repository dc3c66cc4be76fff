//! Tests of unacked deliveries.
