//! The Nevermined HTTP API as data: one call is one value that builds a request and reads its answer.
