//! The Nevermined platform in small, as a Worker.
